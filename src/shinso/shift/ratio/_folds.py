"""Cross-validation of a sum of kernels, with rows of both samples held out."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class Fold:
    """Kernels at the rows to fit and at those held out, of numerator (above) and denominator (below)."""

    above: Float[np.ndarray, "numerator centres"]
    below: Float[np.ndarray, "denominator centres"]
    held_above: Float[np.ndarray, "held_numerator centres"]
    held_below: Float[np.ndarray, "held_denominator centres"]


def folds_of(
    above: Float[np.ndarray, "numerator centres"], below: Float[np.ndarray, "denominator centres"], folds: int
) -> Iterator[Fold]:
    """Fold by fold every ``folds``-th row of both samples, held out from the others.

    The kernels must sit at the numerator's first rows, in their order.
    """
    for fold in range(folds):
        held_above, held_below = (np.arange(len(sample)) % folds == fold for sample in (above, below))
        kept = kernels_of_others(held_above, above.shape[1])
        yield Fold(
            above[np.ix_(~held_above, kept)],
            below[np.ix_(~held_below, kept)],
            above[np.ix_(held_above, kept)],
            below[np.ix_(held_below, kept)],
        )


def kernels_of_others(held: Bool[np.ndarray, " numerator"], centres: int) -> Bool[np.ndarray, " centres"]:
    """Which kernels sit at rows that are not held out.

    A row that is held out must take its kernel along: at home a kernel is 1 however narrow it is, and narrow kernels
    would seem good for that alone.
    """
    kept = np.ones(centres, dtype=bool)
    kept[: len(held)] = ~held[:centres]
    return kept
