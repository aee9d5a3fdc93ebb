"""CSV and Parquet tables: the same rows in both, what a target means, and every kind of bad cell."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shinso.data import BadData, DataSet, load
from shinso.data._targets import Labels, Quantities, meaning_of

Columns = Mapping[str, Sequence[Any]]
WriteTable = Callable[..., str]
GOOD: dict[str, list[Any]] = {
    "width": [float(number) for number in range(20)],
    "count": [number * number for number in range(20)],
    "kind": ["iris", "rose"] * 10,
    "price": [number / 8 for number in range(20)],
}


def write_csv(folder: Path, columns: Columns, name: str = "table") -> str:
    pa_csv.write_csv(pa.table(columns), folder / f"{name}.csv")
    return f"csv:{folder / name}.csv"


def write_parquet(folder: Path, columns: Columns, name: str = "table") -> str:
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return f"parquet:{folder / name}.parquet"


both_formats = pytest.mark.parametrize("write", [write_csv, write_parquet])


def rows(data: DataSet) -> list[tuple[float, ...]]:
    """Features and target of every example, in order of the features."""
    found = []
    for part in (data.train, data.valid, data.test):
        inputs, targets = part.fetch(torch.arange(len(part)))
        found += [(*x, *y) for x, y in zip(inputs.tolist(), targets.reshape(len(part), -1).tolist(), strict=True)]
    return sorted(found)


@both_formats
def test_text_targets_are_classes(write: WriteTable, tmp_path: Path) -> None:
    data = load(write(tmp_path, GOOD), target="kind")
    assert data.classes == ("iris", "rose")
    assert data.input_shape == (3,)
    assert data.train.targets.dtype == torch.int64
    assert rows(data) == [(n, n * n, n / 8, n % 2) for n in range(20)]
    assert (len(data.train), len(data.valid), len(data.test)) == (14, 2, 4)


@both_formats
def test_fractional_targets_are_regressed(write: WriteTable, tmp_path: Path) -> None:
    data = load(write(tmp_path, {name: GOOD[name] for name in ("width", "price")}), target="price")
    assert data.classes is None
    assert data.train.targets.shape == (14, 1)
    assert rows(data) == [(n, n / 8) for n in range(20)]
    assert data.target_mean is not None
    assert data.target_mean.item() == pytest.approx(data.train.targets.double().mean().item())


@both_formats
@pytest.mark.parametrize(("distinct", "classes"), [(100, 100), (101, None)])
def test_whole_numbers_are_classes_up_to_a_hundred(
    write: WriteTable, distinct: int, classes: int | None, tmp_path: Path
) -> None:
    numbers = list(range(distinct)) * 3
    data = load(write(tmp_path, {"x": [0.5] * len(numbers), "y": numbers}), target="y")
    assert (None if data.classes is None else len(data.classes)) == classes


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60))
def test_integer_labels_are_numbered_in_order(values: list[int]) -> None:
    meaning = meaning_of(pa.chunked_array([pa.array(values)]))
    assert isinstance(meaning, Labels)
    assert [int(meaning.classes[number]) for number in meaning.encode(pa.array(values)).targets] == values
    assert [int(name) for name in meaning.classes] == sorted(set(values))


def test_the_same_numbers_as_text_mean_the_same() -> None:
    for values in (["1", "2", "10"], ["0.5", "1", "2"], ["a", "b"]):
        as_text = meaning_of(pa.chunked_array([pa.array(values)]))
        if values[0] == "a":
            assert as_text.classes == ("a", "b")
        else:
            as_numbers = meaning_of(
                pa.chunked_array([pa.array([float(v) if "0.5" in values else int(v) for v in values])])
            )
            assert type(as_text) is type(as_numbers)
            assert as_text.classes == as_numbers.classes


def test_one_stray_word_does_not_make_a_column_of_numbers_text() -> None:
    assert isinstance(meaning_of(pa.chunked_array([pa.array(["0.1", "0.2", "n/a", "0.4"])])), Quantities)


@both_formats
def test_a_target_must_be_named_and_exist(write: WriteTable, tmp_path: Path) -> None:
    columns = {name: GOOD[name] for name in ("width", "count", "price")}
    source = write(tmp_path, columns)
    with pytest.raises(BadData, match=r"needs a target column; choose one with --target from: width, count, price"):
        load(source)
    with pytest.raises(BadData, match=r"has no column 'weight'; its columns are: width, count, price"):
        load(source, target="weight")
    with pytest.raises(BadData, match=r"has no column besides the target 'y'; expected numeric features"):
        load(write(tmp_path, {"y": [1, 2, 3]}, "lonely"), target="y")


@both_formats
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), None, 1e39])
def test_a_feature_that_is_no_finite_float32(write: WriteTable, bad: float | None, tmp_path: Path) -> None:
    source = write(tmp_path, GOOD | {"width": [*GOOD["width"][:4], bad, *GOOD["width"][5:]]})
    with pytest.raises(BadData, match=r"holds 1 example that cannot be used(?s:.)*row 5: column 'width' is "):
        load(source, target="kind")
    data = load(source, target="kind", bad_files="skip")
    assert rows(data) == [(n, n * n, n / 8, n % 2) for n in range(20) if n != 4]
    assert [entry.where for entry in data.left_out] == ["row 5"]


@both_formats
@pytest.mark.parametrize("bad", [float("nan"), float("-inf"), None])
def test_a_target_that_is_no_finite_number(write: WriteTable, bad: float | None, tmp_path: Path) -> None:
    source = write(tmp_path, {"x": GOOD["width"], "y": [bad, *GOOD["price"][1:]]})
    with pytest.raises(BadData, match=r"row 1: target 'y' is .*; expected a finite number"):
        load(source, target="y")
    assert len(rows(load(source, target="y", bad_files="skip"))) == 19


def test_text_in_a_numeric_column_of_csv(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x;y\n" + "".join(f"{n};{'ab'[n % 2]}\n" for n in range(9)) + "tall;a\n")
    with pytest.raises(BadData, match=r"row 10: column 'x' is 'tall'"):
        load(f"csv:{tmp_path / 't.csv'}", target="y")


def test_text_columns_of_parquet(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"column 'kind' holds string; expected numbers, remove it"):
        load(write_parquet(tmp_path, GOOD), target="price")


def test_rows_of_different_length(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,b,c\n")
    with pytest.raises(BadData, match=r"CSV table: .*Expected 2 columns, got 3"):
        load(f"csv:{tmp_path / 't.csv'}", target="y")


def test_an_empty_and_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(BadData, match=r"cannot be read as a CSV table: Empty CSV file"):
        load(f"csv:{tmp_path / 't.csv'}", target="y")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(BadData, match=r"cannot be read as Parquet"):
        load(f"parquet:{tmp_path / 't.parquet'}", target="y")


def test_a_constant_feature_is_divided_by_one(tmp_path: Path) -> None:
    data = load(write_csv(tmp_path, {"x": [2.5] * 20, "kind": GOOD["kind"]}), target="kind")
    assert data.std.item() == 1
    assert data.mean.item() == 2.5


@both_formats
def test_a_folder_gives_the_parts_that_its_files_name(write: WriteTable, tmp_path: Path) -> None:
    write(tmp_path, GOOD, "train-0")
    write(tmp_path, GOOD, "train-1")
    folder = write(tmp_path, {name: values[:6] for name, values in GOOD.items()}, "test").rpartition("/")[0]
    data = load(folder, target="kind", valid_fraction=0.1)
    assert (len(data.train), len(data.valid), len(data.test)) == (36, 4, 6)


@both_formats
def test_files_of_one_set_have_the_same_columns(write: WriteTable, tmp_path: Path) -> None:
    write(tmp_path, GOOD, "train")
    folder = write(tmp_path, {"x": [1.0], "kind": ["iris"]}, "test").rpartition("/")[0]
    with pytest.raises(BadData, match=r"columns"):
        load(folder, target="kind")


@both_formats
def test_bad_rows_of_several_files_are_told_apart(write: WriteTable, tmp_path: Path) -> None:
    folder = write(tmp_path, GOOD, "train").rpartition("/")[0]
    write(tmp_path, GOOD | {"width": [None, *GOOD["width"][1:]]}, "test")
    with pytest.raises(BadData, match=r"\n  test\.\w+ row 1: column 'width' is missing"):
        load(folder, target="kind")


def test_columns_that_share_a_name(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("width,width,price\n1,2,3.5\n")
    with pytest.raises(BadData, match=r"table\.csv has several columns called 'width'; rename or remove them"):
        load(f"csv:{tmp_path / 'table.csv'}", target="price")
