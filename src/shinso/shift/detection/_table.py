"""Tables of any kind as columns of numbers and of levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped


@dataclass(frozen=True)
class Column:
    """A feature's values: float64 with nan where missing, or levels as text with "" where missing."""

    values: Shaped[np.ndarray, " rows"]
    missing: Bool[np.ndarray, " rows"]
    dates: bool = False
    """Whether the numbers are seconds since 1970."""

    @property
    def numeric(self) -> bool:
        return str(self.values.dtype) == "float64"

    @property
    def observed(self) -> Shaped[np.ndarray, " observed"]:
        """The values that are not missing."""
        present: np.ndarray = self.values[~self.missing]
        return present

    def rows(self, places: np.ndarray) -> "Column":
        """The column at these rows."""
        return Column(self.values[places], self.missing[places], self.dates)


Table = Mapping[str, Column]
"""By the feature's name, all columns as long."""

_LARGEST = 1e150
"""Squares of more would overflow."""


def read_table(data: Any, which: str) -> Table:
    """The columns of a pandas DataFrame or a mapping, by their own names, or of a matrix, named x0, x1, ….

    Numbers and dates are numeric (dates in seconds since 1970); text, truth values, categories and other objects are
    levels, whole numbers among which are one level however they are written (1 and 1.0). None, nan, NA and NaT are
    missing. Raises ValueError for other shapes, names that occur twice, infinity, and numbers beyond 1e150.
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        names = [str(name) for name in data.columns]
        if not names:
            raise ValueError(f"a table has rows and columns; the {which} has the shape {data.shape}")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"columns have names of their own; the {which} has {twice} more than once: rename them")
        columns = [_pandas_column(data.iloc[:, place]) for place in range(len(names))]
    elif isinstance(data, Mapping):
        names = [str(name) for name in data]
        columns = [_column(np.asarray(values)) for values in data.values()]
        if not names:
            raise ValueError(f"a table has at least one column; the {which} has none")
        lengths = {name: len(column.values) for name, column in zip(names, columns, strict=True)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns are of one length; the {which} has {lengths}")
    else:
        array = _array(data, which)
        names = [f"x{place}" for place in range(array.shape[1])]
        columns = [_column(array[:, place]) for place in range(len(names))]
    for name, column in zip(names, columns, strict=True):
        too_large = np.abs(column.values) > _LARGEST if column.numeric else np.zeros(0, dtype=bool)
        if too_large.any():
            row = int(too_large.argmax())
            what = "infinite" if np.isinf(column.values[row]) else f"{column.values[row]:g}, beyond {_LARGEST:g},"
            raise ValueError(
                f"column '{name}' of the {which} is {what} in row {row + 1}, counted from 1: clip it, or make it "
                "missing"
            )
    return dict(zip(names, columns, strict=True))


def _array(data: Any, which: str) -> np.ndarray:
    if hasattr(data, "detach"):
        data = data.detach().cpu()
        data = data.double() if data.is_floating_point() else data
    array = np.asarray(data)
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"a table has rows and columns; the {which} has the shape {array.shape}. For images and the like give "
            "features=, a callable or a torch module that turns a batch of them into a matrix of features"
        )
    return array


def _pandas_column(series: Any) -> Column:
    missing = series.isna().to_numpy(dtype=bool)
    if series.dtype.kind == "M":
        plain = series.dt.tz_convert(None) if getattr(series.dtype, "tz", None) is not None else series
        return _column(plain.to_numpy(dtype="datetime64[us]"))
    if series.dtype.kind in "fiu":
        return Column(series.to_numpy(dtype=np.float64, na_value=np.nan), missing)
    objects = series.astype(object).to_numpy(dtype=object)
    return _levels(objects, missing) if series.dtype.name == "category" else _column(objects)


def _column(values: np.ndarray) -> Column:
    if values.dtype.kind in "fiu":
        numbers = values.astype(np.float64)
        return Column(numbers, np.isnan(numbers))
    if values.dtype.kind == "M":
        missing = np.isnat(values)
        # Nanoseconds would wrap around where a date stands for "never", as 9999-12-31 does.
        seconds = values.astype("datetime64[us]").astype(np.int64) / 1e6
        return Column(np.where(missing, np.nan, seconds), missing, dates=True)
    objects = values.astype(object)
    missing = np.array([_is_missing(value) for value in objects], dtype=bool)
    seen = objects[~missing]
    if len(seen) and all(_is_number(value) for value in seen):
        numbers = np.full(len(objects), np.nan)
        numbers[~missing] = seen.astype(np.float64)
        return Column(numbers, missing)
    if len(seen) and all(isinstance(value, date) and getattr(value, "tzinfo", None) is None for value in seen):
        dates = np.full(len(objects), np.datetime64("NaT"), dtype="datetime64[us]")
        dates[~missing] = seen.astype("datetime64[us]")
        return _column(dates)
    return _levels(objects, missing)


def _levels(objects: np.ndarray, missing: np.ndarray) -> Column:
    text = ["" if absent else _level(value) for value, absent in zip(objects, missing, strict=True)]
    return Column(np.array(text, dtype=np.str_), missing)


def _level(value: Any) -> str:
    # Codes become floats wherever a gap comes among them, and are the same codes.
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | Decimal) and not isinstance(value, bool | complex)


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":  # NA of pandas answers no question about itself
        return True
    other = value != value  # nan and NaT are not what they are; an array answers for each of its entries
    return isinstance(other, bool | np.bool_) and bool(other)
