"""Gaussian kernels around some rows of the numerator: the functions of which the kernel methods add up a ratio."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

WIDTH_FACTORS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0)
"""Widths to choose from, as multiples of the median distance."""
ROWS_COVERED = 40
SHARE_COVERED = 0.4
ROWS_TO_MEASURE = 2000


@dataclass(frozen=True)
class Kernels:
    """k(x, c) = exp(-‖x - c‖² / 2σ²) for centres c and a width σ."""

    centres: Float[np.ndarray, "centres columns"]
    width: float

    def at(self, rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows centres"]:
        """Every kernel at every row."""
        return kernels_of(squared_distances(rows, self.centres), self.width)


def kernels_of(squares: Float[np.ndarray, "rows centres"], width: float) -> Float[np.ndarray, "rows centres"]:
    """Kernels of one width from squared distances."""
    kernels: Float[np.ndarray, "rows centres"] = squares * (-0.5 / width**2)
    np.exp(kernels, out=kernels)
    return kernels


def squared_distances(
    rows: Float[np.ndarray, "rows columns"], centres: Float[np.ndarray, "centres columns"]
) -> Float[np.ndarray, "rows centres"]:
    """‖row - centre‖² of all pairs."""
    squares: Float[np.ndarray, "rows centres"] = rows @ (-2 * centres.T)
    squares += np.einsum("rc,rc->r", rows, rows)[:, None]
    squares += np.einsum("rc,rc->r", centres, centres)
    np.maximum(squares, 0, out=squares)
    return squares


def median_distance(squares: Float[np.ndarray, "rows centres"]) -> float:
    """The median distance, by which widths are measured; 1 if it is 0, as where most rows are equal."""
    return float(np.sqrt(np.median(squares[:ROWS_TO_MEASURE]))) or 1.0


def widths_to_try(
    squares: Float[np.ndarray, "rows centres"], factors: tuple[float, ...]
) -> Float[np.ndarray, " widths"]:
    """Multiples of the median distance, but none so narrow that the kernels hardly reach anyone.

    Half of the rows must have a centre within one width, and half of the kernels must cover 40 rows (two in five, if
    there are fewer than 100), a row at distance d counting exp(-d²/2σ²). In a narrower kernel a few rows of the
    numerator that lie close together make a ratio without bound, for which a score of some hundreds of rows can fall.
    The widest is always there.
    """
    widths = median_distance(squares) * np.sort(np.array(factors))
    near = np.sqrt(np.median(squares.min(axis=1)))
    needed = min(ROWS_COVERED / len(squares), SHARE_COVERED)
    some = squares[:ROWS_TO_MEASURE]
    reaching = [
        width >= near and float(np.median(kernels_of(some, float(width)).mean(axis=0))) >= needed for width in widths
    ]
    return widths[reaching] if any(reaching) else widths[-1:]


def logarithm_of_sum(
    kernels: Kernels, coefficients: Float[np.ndarray, " centres"]
) -> Callable[[Float[np.ndarray, "rows columns"]], Float[np.ndarray, " rows"]]:
    """x -> log max(0, Σ_l θ_l k(x, c_l)), which is -inf where the sum is not positive."""

    def logarithm(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
        values = kernels.at(rows) @ coefficients
        logarithms = np.full(len(values), -np.inf)
        np.log(values, where=values > 0, out=logarithms)
        return logarithms

    return logarithm
