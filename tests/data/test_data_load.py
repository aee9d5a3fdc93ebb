"""One door for all sources: the built-in digits, spellings, and what is said when there is nothing to read."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits

from shinso.data import BadData, DataSet, load


def test_digits_are_scikit_learns() -> None:
    data = load()
    assert data.source == "digits"
    assert data.classes == tuple("0123456789")
    assert data.input_shape == (1, 8, 8)
    assert data.is_image
    expected = load_digits()
    found = [part.fetch(torch.arange(len(part))) for part in (data.train, data.valid, data.test)]
    inputs = torch.cat([inputs for inputs, _ in found])
    labels = torch.cat([labels for _, labels in found])
    pairs = sorted(zip(inputs.flatten(1).tolist(), labels.tolist(), strict=True))
    assert pairs == sorted(zip(expected.data.astype(int).tolist(), expected.target.tolist(), strict=True))


def test_a_fifth_is_held_out_of_every_digit() -> None:
    counts = load().summary()["examples_by_class"]
    for digit, total in enumerate(torch.bincount(torch.tensor(load_digits().target)).tolist()):
        assert abs(counts["test"][str(digit)] - total / 5) <= 1
        assert abs(counts["valid"][str(digit)] - total / 10) <= 1


def test_the_seed_decides_the_split() -> None:
    def first(data: DataSet) -> torch.Tensor:
        return data.train.fetch(torch.arange(20))[0]

    assert torch.equal(first(load(seed=1)), first(load(seed=1)))
    assert not torch.equal(first(load(seed=1)), first(load(seed=2)))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cvs:table.csv", r"unknown data source 'cvs:table.csv'; expected digits, images:DIR, idx:DIR, parquet:PATH"),
        ("csv:", r"unknown data source 'csv:'; expected digits"),
        ("csv:no/such.csv", r"csv:no/such.csv: no/such.csv does not exist \(looked in "),
        ("images:no/such", r"images:no/such: no/such does not exist"),
    ],
)
def test_sources_that_are_misspelt_or_missing(source: str, message: str) -> None:
    with pytest.raises(BadData, match=message):
        load(source)


def test_a_bare_path_is_told_its_spelling(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(BadData, match=rf"is a path; say what it holds: parquet:{tmp_path}/t.parquet$"):
        load(str(tmp_path / "t.parquet"))
    with pytest.raises(BadData, match=rf"is a path; say what it holds: images:{tmp_path}, idx:{tmp_path}"):
        load(str(tmp_path))


def test_wrong_kinds_of_path_are_bad_data(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x,y\n")
    for source in (f"images:{tmp_path / 'file'}", f"npz:{tmp_path}", f"csv:{tmp_path}", f"parquet:{tmp_path}"):
        with pytest.raises(BadData, match=str(tmp_path)):
            load(source)


def test_an_image_size_is_positive() -> None:
    with pytest.raises(ValueError, match="image_size is a number of pixels, at least 1; got 0"):
        load("digits", image_size=0)


def test_a_name_without_the_datasets_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(BadData, match=r"'someone/pictures' is taken for the name of a Hugging Face .*shinso\[hub\]"):
        load("someone/pictures")


def test_importing_the_package_imports_no_reader() -> None:
    script = (
        "import shinso.data, sys; print([m for m in ('pyarrow', 'PIL', 'sklearn', 'datasets') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert printed.strip() == "[]"


def test_digits_resized_keep_their_mean_brightness() -> None:
    whole, larger = (load("digits", image_size=size).train for size in (None, 28))
    small_images, large_images = (part.fetch(torch.arange(200))[0].double() for part in (whole, larger))
    assert large_images.shape == (200, 1, 28, 28)
    difference = large_images.mean((1, 2, 3)) - small_images.mean((1, 2, 3)) * 255 / 16
    assert difference.abs().max() < 6


def test_image_size_is_refused_where_sizes_are_given(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,x\n2,y\n")
    with pytest.raises(BadData, match="image_size is for pictures in files; the arrays of csv: have"):
        load(f"csv:{tmp_path / 'table.csv'}", target="b", image_size=8)
