"""Two samples as matrices that a test can take."""

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

Matrix = Float64[np.ndarray, "_rows _columns"]


def two_matrices(reference: ArrayLike, current: ArrayLike, least: int) -> tuple[Matrix, Matrix]:
    """Both as float64, or ValueError where they are no matrices of the same columns, finite and ``least`` rows long."""
    pair = _matrix(reference, "reference", least), _matrix(current, "current", least)
    if pair[0].shape[1] != pair[1].shape[1]:
        raise ValueError(
            f"both samples need the same columns; the reference has {pair[0].shape[1]}, the current {pair[1].shape[1]}"
        )
    return pair


def random_part(rows: Matrix, most: int, generator: np.random.Generator) -> Matrix:
    """The rows, or where there are more a random ``most`` of them, drawn without looking at their values."""
    if len(rows) <= most:
        return rows
    return rows[np.sort(generator.choice(len(rows), most, replace=False))]


def _matrix(sample: ArrayLike, which: str, least: int) -> Matrix:
    rows = np.asarray(sample, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"a sample is a matrix of rows by features; the {which} has the shape {rows.shape}")
    if len(rows) < least:
        raise ValueError(f"this test needs at least {least} rows in each sample; the {which} has {len(rows)}")
    if not np.isfinite(rows).all():
        row, column = np.argwhere(~np.isfinite(rows))[0]
        raise ValueError(
            f"a test of matrices needs finite values; the {which} has {rows[row, column]} in row {row}, "
            f"column {column}: fill it, drop the row, or use detect, which handles missing values"
        )
    return rows
