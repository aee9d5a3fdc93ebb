"""A fitted density ratio."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._diagnosis import Diagnosis, diagnosis_of
from shinso.shift.ratio._overlap import overlap_of
from shinso.shift.ratio._samples import Samples, Scale
from shinso.shift.ratio._table import Table, read_table

ROWS_AT_ONCE = 16_384
LARGEST_LOGARITHM = 700.0
"""Of a float64 about the largest that has an exponential."""

LogRatio = Callable[[Float[np.ndarray, "rows columns"]], Float[np.ndarray, " rows"]]
"""The logarithm of the ratio at rows on the scale of the fit."""


@dataclass(frozen=True)
class DensityRatio:
    """How many times denser the numerator is than the denominator, everywhere: p(x) / q(x).

    As weights of the denominator's rows it turns their averages into averages over the numerator. It is on the
    method's own scale: that the mean weight of the denominator is 1 is a check (``diagnosis``), not a convention.
    """

    log_ratio: LogRatio
    scale: Scale
    denominator_weights: Float[np.ndarray, " denominator"]
    """Of the rows that were fitted, in their order."""
    diagnosis: Diagnosis

    def log_weights(self, x: Table) -> Float[np.ndarray, " rows"]:
        """The logarithms of the weights of rows; -inf where a weight is 0.

        Raises ValueError for a table with other columns than those fitted, or with missing values.
        """
        table = read_table(x, "table x")
        self.scale.check(table, "table x")
        return _by_chunks(self.log_ratio, self.scale, table.values)

    def weights(self, x: Table) -> Float[np.ndarray, " rows"]:
        """The weights p(x) / q(x) of rows, never negative.

        Far from both samples they are an extrapolation: kernels go to 0, a logistic or neural ratio anywhere. Raises
        ValueError as ``log_weights`` does.
        """
        return _exponential(self.log_weights(x))

    @property
    def effective_sample_size(self) -> float:
        """How many evenly weighted rows the weighted denominator is worth: (Σ w)² / Σ w². Source: Kish 1965."""
        return self.diagnosis.effective_sample_size


class RatioMethod(Protocol):
    """A way of estimating a density ratio: anything that can ``fit`` two samples."""

    def fit(self, numerator: Table, denominator: Table) -> DensityRatio:
        """The ratio of the density of the numerator's rows to that of the denominator's."""
        ...


def fitted(
    method: object, samples: Samples, log_ratio: LogRatio, tuning: Mapping[str, float], *, numerator_share: float = 0.0
) -> DensityRatio:
    """A fit, with the weights of the whole denominator and its diagnosis.

    ``numerator_share`` is that of the numerator in the mixture to which the ratio is relative: 0 for p/q itself.
    """
    weights = _exponential(_by_chunks(log_ratio, samples.scale, samples.whole_denominator))
    overlap = overlap_of(samples.numerator, samples.denominator)
    mean_weight = (1 - numerator_share) * float(weights.mean())
    if numerator_share > 0:
        mean_weight += numerator_share * float(_exponential(log_ratio(samples.numerator)).mean())
    diagnosis = diagnosis_of(type(method).__name__, tuning, weights, mean_weight, overlap)
    return DensityRatio(log_ratio, samples.scale, weights, diagnosis)


def _by_chunks(
    log_ratio: LogRatio, scale: Scale, values: Float[np.ndarray, "rows columns"]
) -> Float[np.ndarray, " rows"]:
    logarithms = np.empty(len(values))
    for start in range(0, len(values), ROWS_AT_ONCE):
        chunk = slice(start, start + ROWS_AT_ONCE)
        logarithms[chunk] = log_ratio(scale.apply(values[chunk]))
    return logarithms


def _exponential(logarithms: Float[np.ndarray, " rows"]) -> Float[np.ndarray, " rows"]:
    weights: Float[np.ndarray, " rows"] = np.exp(np.minimum(logarithms, LARGEST_LOGARITHM))
    return weights
