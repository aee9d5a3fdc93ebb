"""Encoded images in Parquet files, as Hugging Face `datasets` writes them and plainer."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from shinso.data import BadData, load

RANDOM = np.random.default_rng(0)
NAMES = ["cat", "dog"]


def picture(number: int) -> np.ndarray:
    return np.full((5, 4, 3), number, dtype=np.uint8)


def png(number: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture(number)).save(file, "PNG")
    return file.getvalue()


def write(path: Path, images: list[Any], labels: list[Any], names: list[str] | None = None, struct: bool = True) -> str:
    column = [{"bytes": data, "path": None} for data in images] if struct else images
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if struct else pa.binary()
    table = pa.table({"image": pa.array(column, kind), "label": labels})
    if names is not None:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path, row_group_size=7)
    return f"parquet:{path}"


@pytest.mark.parametrize("struct", [True, False])
@pytest.mark.parametrize("names", [NAMES, None])
def test_pixels_labels_and_class_names(struct: bool, names: list[str] | None, tmp_path: Path) -> None:
    labels = [number % 2 for number in range(20)]
    source = write(tmp_path / "set.parquet", [png(number) for number in range(20)], labels, names, struct)
    data = load(source, valid_fraction=0.0, test_fraction=0.0)
    assert data.classes == (("0", "1") if names is None else ("cat", "dog"))
    inputs, targets = data.train.fetch(torch.arange(20))
    assert np.array_equal(inputs.numpy(), np.stack([picture(number).transpose(2, 0, 1) for number in range(20)]))
    assert targets.tolist() == labels


def test_train_and_test_files_are_given_parts(tmp_path: Path) -> None:
    write(tmp_path / "train-00000-of-00001.parquet", [png(n) for n in range(20)], [0, 1] * 10, NAMES)
    write(tmp_path / "test-00000-of-00001.parquet", [png(n) for n in range(6)], [0, 1] * 3, NAMES)
    data = load(f"parquet:{tmp_path}")
    assert (len(data.train), len(data.valid), len(data.test)) == (18, 2, 6)


def test_bad_images_and_labels_are_named_by_row(tmp_path: Path) -> None:
    images: list[Any] = [png(number) for number in range(12)]
    images[2], images[5] = b"no image", None
    source = write(tmp_path / "set.parquet", images, [0, 1] * 4 + [7, 1, -1, None], NAMES)
    reasons = {
        "row 3": "is not an image",
        "row 6": "holds no image",
        "row 9": "target 'label' is 7; expected a label in 0..1",
        "row 11": "target 'label' is -1; expected a label in 0..1",
        "row 12": "target 'label' is None; expected a label in 0..1",
    }
    with pytest.raises(BadData, match="holds 5 examples that cannot be used") as error:
        load(source)
    data = load(source, bad_files="skip")
    assert len(data.train) + len(data.valid) + len(data.test) == 7
    for entry, (where, reason) in zip(data.left_out, reasons.items(), strict=True):
        assert entry.where == where
        assert reason in entry.reason
        assert f"\n  {where}: {entry.reason}" in str(error.value)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "set.parquet", [png(number) for number in range(20)], [0, 1] * 10)
    data = (tmp_path / "set.parquet").read_bytes()
    (tmp_path / "set.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadData, match="cannot be read as Parquet"):
        load(source)


def test_a_file_damaged_inside_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "set.parquet", [png(number) for number in range(20)], [0, 1] * 10)
    data = bytearray((tmp_path / "set.parquet").read_bytes())
    data[4:40] = b"\xff" * 36
    (tmp_path / "set.parquet").write_bytes(data)
    with pytest.raises(BadData, match="is damaged"):
        load(source)
