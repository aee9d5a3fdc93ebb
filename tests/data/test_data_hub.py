"""Hugging Face datasets, read from a local folder by the optional package."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from shinso.data import BadData, DataSet
from shinso.data._hub import hub_dataset
from shinso.data._pack import pack_in_memory
from shinso.data._packed import Division, packed_set

datasets = pytest.importorskip("datasets", reason="the optional package datasets is not installed")


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched, nothing is kept outside the test's folder."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hub"))


def load_hub(name: str, target: str | None = None) -> DataSet:
    source = hub_dataset(name, target, None)
    return packed_set(pack_in_memory(source.read()), source.name, Division(0.1, 0.2, 0), "fail", in_memory=True)


def test_images_with_class_names_and_a_test_split(tmp_path: Path) -> None:
    features = datasets.Features({"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    for split, count in (("train", 20), ("test", 6)):
        pixels = [np.full((5, 4, 3), number, dtype=np.uint8) for number in range(count)]
        rows = {"img": list(map(Image.fromarray, pixels)), "label": [number % 2 for number in range(count)]}
        datasets.Dataset.from_dict(rows, features).to_parquet(str(tmp_path / "set" / f"{split}.parquet"))
    data = load_hub(str(tmp_path / "set"))
    assert data.classes == ("cat", "dog")
    assert (len(data.train), len(data.valid), len(data.test)) == (18, 2, 6)
    inputs, targets = data.test.fetch(torch.arange(6))
    assert inputs[:, 0, 0, 0].tolist() == list(range(6))
    assert targets.tolist() == [0, 1, 0, 1, 0, 1]


def test_a_table(tmp_path: Path) -> None:
    rows = {"x": [float(number) for number in range(20)], "y": [number / 4 for number in range(20)]}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "set" / "train.parquet"))
    data = load_hub(str(tmp_path / "set"), "y")
    assert data.classes is None
    assert (len(data.train), len(data.valid), len(data.test)) == (14, 2, 4)


def test_a_dataset_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"cannot be loaded: .*; check the name and the network"):
        load_hub(str(tmp_path / "nothing"))
