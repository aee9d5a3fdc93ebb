"""Two sets of data, of any kind that ``detect`` takes, as the matrices in which it compares them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from shinso.shift.detection._as_matrices import as_matrices
from shinso.shift.detection._network_features import network_features
from shinso.shift.detection._paired_columns import PairedColumn, paired_columns
from shinso.shift.detection._table import Table, read_table


@dataclass(frozen=True)
class FeatureMatrices:
    """Both samples, one column for each number and each level, and the names of the features that they come from."""

    reference: Float64[np.ndarray, "m columns"]
    current: Float64[np.ndarray, "n columns"]
    names: tuple[str, ...]


def feature_matrices(reference: Any, current: Any, *, features: Callable[[Any], Any] | None = None) -> FeatureMatrices:
    """What ``detect`` compares: numbers standardised, missing ones at the mean beside a column that says so, levels.

    It takes what ``detect`` takes, and raises ValueError as that does. The scale is that of both samples together.
    """
    columns = columns_of(reference, current, features)
    return FeatureMatrices(*as_matrices(columns), tuple(column.name for column in columns))


def columns_of(reference: Any, current: Any, features: Callable[[Any], Any] | None) -> list[PairedColumn]:
    """Each feature of both samples."""
    return paired_columns(tabled(reference, features, "reference"), tabled(current, features, "current"))


def tabled(data: Any, features: Callable[[Any], Any] | None, which: str) -> Table:
    """The data as columns, those of their features where a function for them is given."""
    return read_table(data if features is None else network_features(features, data), which)
