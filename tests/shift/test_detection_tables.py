"""Tables of all kinds, as columns and as matrices."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
import torch

from shinso.shift.detection import feature_matrices
from shinso.shift.detection._as_matrices import as_matrices
from shinso.shift.detection._network_features import network_features
from shinso.shift.detection._paired_columns import PairedColumn, join, paired_columns
from shinso.shift.detection._table import Column, read_table

NAN = float("nan")


def frame(rows: int = 12) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": np.arange(rows, dtype=np.float32),
            "nullable": pd.array([None, *range(rows - 1)], dtype="Int64"),
            "text": ["a", None, *["b"] * (rows - 2)],
            "category": pd.Categorical([1, 2, *[None] * (rows - 2)]),
            "truth": [True, *[False] * (rows - 1)],
            "maybe": pd.array([None, *[True] * (rows - 1)], dtype="boolean"),
            "when": pd.to_datetime(["1970-01-02", None, *["2024-05-06"] * (rows - 2)]),
            "zoned": pd.to_datetime(["1970-01-02 02:00", *["2024-05-06 00:00"] * (rows - 1)]).tz_localize("Etc/GMT-2"),
            "objects": pd.Series([1, 2.5, None, *[4] * (rows - 3)], dtype=object),
        }
    )


def pairs(reference: object, current: object) -> list[PairedColumn]:
    return paired_columns(read_table(reference, "reference"), read_table(current, "current"))


def test_columns_of_a_data_frame() -> None:
    table = read_table(frame(), "reference")
    assert {name for name, column in table.items() if column.numeric} == {
        "number",
        "nullable",
        "when",
        "zoned",
        "objects",
    }
    assert table["nullable"].values[:3].tolist() == pytest.approx([NAN, 0, 1], nan_ok=True)
    assert table["text"].values[:3].tolist() == ["a", "", "b"]
    assert table["text"].missing.tolist() == [False, True] + [False] * 10
    assert table["category"].observed.tolist() == ["1", "2"]
    assert table["truth"].values[:2].tolist() == ["True", "False"]
    assert table["maybe"].missing.tolist() == [True] + [False] * 11
    assert table["when"].values[0] == 86_400
    assert table["when"].missing.tolist() == [False, True] + [False] * 10
    assert table["when"].dates
    assert table["zoned"].dates
    assert not table["number"].dates
    assert table["zoned"].values[0] == 86_400
    assert table["objects"].values[:4].tolist() == pytest.approx([1, 2.5, NAN, 4], nan_ok=True)


def test_dates_and_decimals_are_numbers_as_objects_too() -> None:
    days: list[Any] = [date(1970, 1, 2), None, date(9999, 12, 31)]
    table = read_table(pd.DataFrame({"day": days, "price": [Decimal("1.5"), None, Decimal(2)]}), "reference")
    never = (date(9999, 12, 31) - date(1970, 1, 1)).days * 86_400
    assert table["day"].dates
    assert table["day"].values.tolist() == pytest.approx([86_400, NAN, never], nan_ok=True)
    assert table["day"].missing.tolist() == [False, True, False]
    assert table["price"].values.tolist() == pytest.approx([1.5, NAN, 2], nan_ok=True)
    moments = read_table(
        {"at": np.array([datetime(1970, 1, 1, 0, 1), datetime(2024, 5, 6)], dtype=object)}, "reference"
    )
    assert moments["at"].values[0] == 60


@pytest.mark.parametrize("unit", ["D", "s", "us"])
def test_a_date_that_stands_for_never_is_not_wrapped_around(unit: str) -> None:
    days = np.array(["9999-12-31", "2024-01-01"], dtype=f"datetime64[{unit}]")
    expected = days.astype("datetime64[s]").astype(float).tolist()
    assert read_table({"until": days}, "reference")["until"].values.tolist() == expected
    if unit != "D":
        assert read_table(pd.DataFrame({"until": days}), "reference")["until"].values.tolist() == expected


def test_codes_are_the_same_levels_as_whole_floats() -> None:
    whole = pd.DataFrame({"code": pd.Categorical([1, 2] * 6)})
    gaps = pd.DataFrame({"code": pd.Categorical([1.0, 2.0, np.nan] * 4)})
    (column,) = pairs(whole, gaps)
    assert column.levels()[0] == ["1", "2"]
    assert read_table({"x": np.array([0.5, "a", 2.0], dtype=object)}, "reference")["x"].values.tolist() == [
        "0.5",
        "a",
        "2",
    ]


def test_arrays_in_a_column_are_levels() -> None:
    table = read_table(pd.DataFrame({"pair": [np.array([1, 2]), None, np.array([1, 2])]}), "reference")
    assert table["pair"].observed.tolist() == ["[1 2]", "[1 2]"]


def test_numbers_too_large_to_be_squared_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"column 'x0' of the current is 1e\+200, beyond 1e\+150, in row 2, counted from 1"
    ):
        read_table(np.array([[1.0], [1e200]]), "current")


def test_columns_of_arrays_lists_and_tensors() -> None:
    table = read_table([[1, "x", True], [2, None, False], [NAN, "y", None]], "reference")
    assert list(table) == ["x0", "x1", "x2"]
    mixed = read_table(np.array([[1, "x", True], [2, None, False], [None, "y", None]], dtype=object), "reference")
    assert [column.numeric for column in mixed.values()] == [True, False, False]
    assert mixed["x0"].missing.tolist() == [False, False, True]
    assert mixed["x2"].values.tolist() == ["True", "False", ""]
    assert read_table(torch.arange(6, dtype=torch.bfloat16).reshape(3, 2), "")["x1"].values.tolist() == [1, 3, 5]
    assert read_table(np.array([3, 1]), "")["x0"].values.tolist() == [3, 1]
    dates = read_table(np.array(["1970-01-01T00:01", "NaT"], dtype="datetime64[m]"), "")["x0"]
    assert dates.values[0] == 60
    assert dates.missing.tolist() == [False, True]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((4, 3, 2)), r"shape \(4, 3, 2\)\. For images .* give features="),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"the reference has \['a'\] more than once: rename them"),
        (np.array([[1.0], [np.inf]]), "column 'x0' of the reference is infinite in row 2, counted from 1: clip it"),
        ({}, "a table has at least one column; the reference has none"),
        (np.zeros((4, 0)), r"rows and columns; the reference has the shape \(4, 0\)"),
        (pd.DataFrame(index=range(4)), r"rows and columns; the reference has the shape \(4, 0\)"),
    ],
)
def test_what_is_no_table_is_refused(data: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_table(data, "reference")


def test_columns_are_paired_by_name() -> None:
    table = frame()
    names = [pair.name for pair in pairs(table, table[table.columns[::-1]])]
    assert names == list(table.columns)


def test_other_columns_kinds_and_too_few_rows_are_refused() -> None:
    table = frame()
    with pytest.raises(ValueError, match=r"only the reference has \['text'\], only the current one has \['words'\]"):
        pairs(table, table.rename(columns={"text": "words"}))
    with pytest.raises(
        ValueError, match=r"'number' is numeric in the reference and categorical in the current table.*'x'"
    ):
        pairs(table, table.assign(number="x"))
    with pytest.raises(ValueError, match="'text' is categorical in the reference and numeric in the current table"):
        pairs(table, table.assign(text=1.0))
    with pytest.raises(ValueError, match="at least 10 rows to be told from chance; the current has 9"):
        pairs(table, table[:9])


def test_a_column_without_values_takes_the_others_kind() -> None:
    table = frame()
    empty = table.assign(number=pd.Series([None] * 12, dtype=object), text=np.nan)
    for first, second in ((table, empty), (empty, table)):
        kinds = {pair.name: (pair.numeric, pair.pooled.missing.mean()) for pair in pairs(first, second)}
        assert kinds["number"] == (True, 0.5)
        assert kinds["text"] == (False, 13 / 24)


def test_matrices_are_standardised_over_both_samples_and_have_columns_for_levels_and_gaps() -> None:
    generator = np.random.default_rng(0)
    reference = pd.DataFrame({"x": generator.normal(5, 2, 30), "level": ["a", "b", "c"] * 10, "one": 1.0})
    current = pd.DataFrame({"x": generator.normal(9, 2, 20), "level": ["a", "b"] * 10, "one": 1.0})
    current.loc[:4, "x"] = np.nan
    before, after = as_matrices(pairs(reference, current))
    assert (before.shape, after.shape) == ((30, 5), (20, 5))
    pooled = np.concatenate([before, after])
    assert pooled[:, 0].mean() == pytest.approx(0)
    assert np.delete(pooled[:, 0], range(30, 35)).std() == pytest.approx(1)
    assert after[:5, 0].tolist() == [0] * 5
    gaps, levels = pooled[:, 1], pooled[:, 2:]
    assert np.flatnonzero(gaps).tolist() == list(range(30, 35))
    assert levels.sum(axis=1).tolist() == [1] * 50
    assert levels.sum(axis=0).tolist() == [20, 20, 10]


def test_matrices_do_not_depend_on_which_sample_a_row_is_of() -> None:
    generator = np.random.default_rng(1)
    pooled = np.empty((50, 2), dtype=object)
    pooled[:, 0] = list(generator.normal(size=50))
    pooled[:, 1] = list(generator.choice(list("abcdefgh"), 50, p=[0.4, 0.3, 0.1, 0.1, 0.04, 0.03, 0.02, 0.01]))
    pooled[generator.random(50) < 0.1, 0] = None
    order = generator.permutation(50)
    plain = np.concatenate(as_matrices(pairs(pooled[:30], pooled[30:])))
    shuffled = np.concatenate(as_matrices(pairs(pooled[order][:30], pooled[order][30:])))
    distances = [np.linalg.norm(rows[:, None] - rows, axis=2) for rows in (plain[order], shuffled)]
    np.testing.assert_allclose(distances[0], distances[1], atol=1e-12)


def test_where_nothing_varies_there_is_nothing_to_test() -> None:
    with pytest.raises(ValueError, match="no feature varies"):
        as_matrices(pairs(np.ones((10, 2)), np.ones((10, 2))))


def test_joined_columns_keep_numbers_and_long_levels() -> None:
    one = Column(np.array(["a"]), np.array([False]))
    assert join(one, Column(np.array(["longer"]), np.array([False]))).values.tolist() == ["a", "longer"]


def test_a_module_finds_features_as_it_predicts_and_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Dropout(0.5), torch.nn.Dropout(0.5)).double()
    model[2].eval()
    images = np.random.default_rng(0).normal(size=(300, 1, 5, 5)).astype(np.float32)
    found = network_features(model, images)
    expected = model[0](torch.from_numpy(images).double()).detach().reshape(300, -1).numpy()
    np.testing.assert_allclose(found, expected)
    assert [part.training for part in model] == [True, True, False]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_function_gets_batches_as_they_are() -> None:
    sizes = []

    def lengths(batch: list[str]) -> list[int]:
        sizes.append(len(batch))
        return [len(text) for text in batch]

    found = network_features(lengths, ["a", "bb"] * 200)
    assert found[:3].tolist() == [[1], [2], [1]]
    assert sizes == [256, 144]


def test_features_that_are_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one row for each given; of 3 rows they made the shape \(2, 3\)"):
        network_features(lambda rows: rows.T, np.ones((3, 2)))
    with pytest.raises(ValueError, match="no rows to find features in"):
        network_features(lambda rows: rows, np.ones((0, 2)))
    with pytest.raises(ValueError, match=r"features are one array for a batch; they made a tuple: choose one part"):
        network_features(lambda rows: (rows, rows), np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"the network does not take torch.uint8 .*: give floats, scaled as those"):
        network_features(torch.nn.Conv2d(1, 2, 3), np.ones((12, 1, 5, 5), dtype=np.uint8))
    rows = torch.utils.data.TensorDataset(torch.ones(3, 2))
    for loaded in (rows, torch.utils.data.DataLoader(rows)):
        with pytest.raises(ValueError, match=r"got a (TensorDataset|DataLoader): give the examples, as by torch.stack"):
            network_features(lambda batch: batch, loaded)


def test_a_module_takes_tables_and_lists_of_tensors() -> None:
    module, rows = torch.nn.Linear(2, 3), np.random.default_rng(0).normal(size=(20, 2))
    expected = network_features(module, rows)
    np.testing.assert_array_equal(network_features(module, pd.DataFrame(rows)), expected)
    np.testing.assert_array_equal(network_features(module, list(torch.from_numpy(rows))), expected)


def test_feature_matrices_are_what_is_compared_and_name_what_it_comes_from() -> None:
    reference, current = frame(), frame(15)
    found = feature_matrices(reference, current)
    expected = as_matrices(pairs(reference, current))
    np.testing.assert_array_equal(found.reference, expected[0])
    np.testing.assert_array_equal(found.current, expected[1])
    assert found.names == tuple(pair.name for pair in pairs(reference, current))
    doubled = feature_matrices(np.arange(24.0).reshape(12, 2), np.ones((10, 2)), features=lambda rows: rows[:, :1])
    assert (doubled.reference.shape, doubled.names) == ((12, 1), ("x0",))
