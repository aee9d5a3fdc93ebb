"""Importance estimation by maximum likelihood."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._density_ratio import DensityRatio, fitted
from shinso.shift.ratio._folds import folds_of
from shinso.shift.ratio._gaussian_kernels import (
    WIDTH_FACTORS,
    Kernels,
    kernels_of,
    logarithm_of_sum,
    squared_distances,
    widths_to_try,
)
from shinso.shift.ratio._samples import Samples, read_samples
from shinso.shift.ratio._settings import check_candidates, check_enough_rows, check_numbers
from shinso.shift.ratio._table import Table

FEWEST_CENTRES, MOST_CENTRES = 200, 1000
ROWS_TO_TUNE = 2000
ITERATIONS_TO_TUNE = 200
STANDARD_ERRORS = 0.1
"""Of a kernel's mean over the denominator, times the root of its rows: by so much the mean is taken as greater."""
SMALLEST_REACH = 1e-200
"""Of the nearest kernel at a row; what is less would overflow as a divisor."""


@dataclass(frozen=True)
class KLIEP:
    """Kullback-Leibler importance estimation: r(x) = Σ_l θ_l k(x, c_l), θ ≥ 0, that makes the numerator most likely.

    The mean of log r over the numerator is greatest, where the mean of r over the denominator is held at 1; scaled by
    these means, θ are proportions of a mixture, and their maximum is found by expectation and maximisation.
    The width has the greatest cross-validated mean_p log r - mean_q r, with rows of both samples held out. The papers
    hold out rows of the numerator alone: a ratio without bound in the gaps of the denominator's sample then costs
    nothing, and too narrow kernels win. A kernel's mean over the denominator is taken as greater by 0.1/√rows, as a
    penalty on θ, so that where a sample has a gap by chance the ratio does not run away.
    Do not trust it where the numerator has rows far from the denominator: each pulls up one kernel as far as that
    penalty lets it.
    Raises ValueError for settings that cannot be, and for tables that do not fit together.
    Source: Sugiyama, Suzuki, Nakajima, Kashima, von Bünau and Kawanabe 2008, section 2; for the score, the lower bound
    on the divergence of Nguyen, Wainwright and Jordan 2010.
    """

    centres: int | None = None
    """How many rows of the numerator carry a kernel; None for a tenth of those used, but from 200 to 1000.

    In ten columns the error goes on falling with their number, and little is lost by many in few columns.
    """
    width_factors: tuple[float, ...] = WIDTH_FACTORS
    """Widths to try, as multiples of the median distance of rows to centres."""
    folds: int = 5
    tolerance: float = 1e-2
    """How much likelihood, in mean logarithm, the fit may be short of the greatest: iterations stop there.

    The last hundredth goes into single rows, so that a smaller tolerance seldom gives a better ratio.
    """
    most_iterations: int = 2000
    rows: int = 20_000
    """How many rows of each sample at most are used for the fit; the weights are for all."""
    seed: int = 0
    """For which rows are used, and which carry a kernel."""

    def __post_init__(self) -> None:
        check_numbers(folds=self.folds, most_iterations=self.most_iterations, rows=self.rows)
        if self.centres is not None:
            check_numbers(centres=self.centres)
        check_candidates(width_factors=self.width_factors)

    def fit(self, numerator: Table, denominator: Table) -> DensityRatio:
        """The ratio of the density of the numerator's rows to that of the denominator's."""
        samples = read_samples(numerator, denominator, self.rows, np.random.default_rng(self.seed))
        check_enough_rows(self.folds, min(len(samples.numerator), len(samples.denominator), ROWS_TO_TUNE))
        number = self.centres or int(np.clip(len(samples.numerator) // 10, FEWEST_CENTRES, MOST_CENTRES))
        kernels = Kernels(samples.numerator[:number], self._tuned_width(samples))
        coefficients = most_likely(
            kernels.at(samples.numerator), kernels.at(samples.denominator), self.tolerance, self.most_iterations
        )
        return fitted(self, samples, logarithm_of_sum(kernels, coefficients), {"width": kernels.width})

    def _tuned_width(self, samples: Samples) -> float:
        """With the first 200 kernels and 2000 rows of each sample: with more, the same width is the best."""
        centres = samples.numerator[: self.centres or FEWEST_CENTRES][:FEWEST_CENTRES]
        below = squared_distances(samples.denominator, centres)
        above = squared_distances(samples.numerator[:ROWS_TO_TUNE], centres)
        widths = widths_to_try(below, self.width_factors)
        below = below[:ROWS_TO_TUNE]
        scores = [self._held_out_likelihood(kernels_of(above, float(w)), kernels_of(below, float(w))) for w in widths]
        return float(widths[np.argmax(scores)])

    def _held_out_likelihood(
        self, above: Float[np.ndarray, "numerator centres"], below: Float[np.ndarray, "denominator centres"]
    ) -> float:
        """The mean over the folds of mean_p log r - mean_q r on rows that were not fitted."""
        score = 0.0
        for fold in folds_of(above, below, self.folds):
            iterations = min(self.most_iterations, ITERATIONS_TO_TUNE)
            coefficients = most_likely(fold.above, fold.below, max(self.tolerance, 1e-2), iterations)
            likelihood = np.log(np.maximum(fold.held_above @ coefficients, 1e-300)).mean()
            score += float(likelihood - (fold.held_below @ coefficients).mean())
        return score / self.folds


def most_likely(
    above: Float[np.ndarray, "numerator centres"],
    below: Float[np.ndarray, "denominator centres"],
    tolerance: float,
    most_iterations: int,
) -> Float[np.ndarray, " centres"]:
    """The θ ≥ 0 of the likeliest Σ_l θ_l k_l above, to within a tolerance, with a mean of 1 below.

    The means of the kernels below are known up to their sampling error alone, and are taken as greater by 0.1/√rows:
    one that sits where the denominator by chance has no row would have weight without bound.
    """
    means = below.mean(axis=0)
    bounded = means + STANDARD_ERRORS / np.sqrt(len(below))
    coefficients: Float[np.ndarray, " centres"] = (
        mixture_proportions(above / bounded, tolerance, most_iterations) / bounded
    )
    total = float(means @ coefficients)
    return coefficients / total if total > 0 else coefficients


def mixture_proportions(
    components: Float[np.ndarray, "rows components"], tolerance: float, most_iterations: int
) -> Float[np.ndarray, " components"]:
    """The proportions u ≥ 0, Σ u = 1, with the greatest mean of log Σ_l u_l ψ_l over the rows, to within a tolerance.

    By expectation and maximisation, each step of which raises it. The mean of ψ_l / Σ u ψ is 1 where u_l > 0 and at
    most 1 elsewhere at the maximum; since the logarithm is concave, by how much it passes 1 bounds what is missing.
    Source: Dempster, Laird and Rubin 1977; Lindsay 1983 for the bound.
    """
    proportions = np.full(components.shape[1], 1 / components.shape[1])
    # A row that no kernel reaches cannot be made likelier.
    reached = components[components.max(axis=1) > SMALLEST_REACH]
    if len(reached) == 0:
        return proportions
    for _ in range(most_iterations):
        gradient = (1 / (reached @ proportions)) @ reached / len(reached)
        if gradient.max() - 1 <= tolerance:
            break
        proportions = proportions * gradient
    normalized: Float[np.ndarray, " components"] = proportions / proportions.sum()
    return normalized
