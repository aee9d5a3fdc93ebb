"""Least-squares fitting of a ratio that is bounded: to a mixture of both densities."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._density_ratio import DensityRatio, fitted
from shinso.shift.ratio._folds import kernels_of_others
from shinso.shift.ratio._gaussian_kernels import (
    WIDTH_FACTORS,
    Kernels,
    kernels_of,
    logarithm_of_sum,
    squared_distances,
    widths_to_try,
)
from shinso.shift.ratio._samples import read_samples
from shinso.shift.ratio._settings import check_candidates, check_enough_rows, check_numbers
from shinso.shift.ratio._table import Table
from shinso.shift.ratio._ulsif import PENALTIES, penalties_to_try


@dataclass(frozen=True)
class RelativeULSIF:
    """Relative least-squares importance fitting: r(x) = p / (αp + (1-α)q), which is never above 1/α.

    The bound is what it is for: where the ratio itself runs away, this one stays, and the error with it. It is another
    quantity, though: weighting by it moves averages only part of the way to the numerator's, the further the smaller α.
    The width and the penalty have the least cross-validated squared error.
    Raises ValueError for an α outside [0, 1), other settings that cannot be, and tables that do not fit together.
    Source: Yamada, Suzuki, Kanamori, Hachiya and Sugiyama 2011, section 2.
    """

    alpha: float = 0.1
    """The numerator's share of the mixture."""
    centres: int = 200
    """How many rows of the numerator carry a kernel."""
    width_factors: tuple[float, ...] = WIDTH_FACTORS
    """Widths to try, as multiples of the median distance of rows to centres."""
    penalties: tuple[float, ...] = PENALTIES
    """Penalties to try; those below 1/rows are left out, as within the error of single rows."""
    folds: int = 5
    rows: int = 20_000
    """How many rows of each sample at most are used for the fit; the weights are for all."""
    seed: int = 0
    """For which rows are used, and which carry a kernel."""

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < 1:
            raise ValueError(f"alpha is the numerator's share of the mixture, from 0 up to but not 1; got {self.alpha}")
        check_numbers(centres=self.centres, folds=self.folds, rows=self.rows)
        check_candidates(width_factors=self.width_factors, penalties=self.penalties)

    def fit(self, numerator: Table, denominator: Table) -> DensityRatio:
        """The ratio of the density of the numerator's rows to that of the mixture of both."""
        samples = read_samples(numerator, denominator, self.rows, np.random.default_rng(self.seed))
        check_enough_rows(self.folds, min(len(samples.numerator), len(samples.denominator)))
        centres = samples.numerator[: self.centres]
        above, below = (squared_distances(rows, centres) for rows in (samples.numerator, samples.denominator))
        widths = widths_to_try(below, self.width_factors)
        penalties = penalties_to_try(self.penalties, min(len(above), len(below)))
        scores = np.stack([self._scores(kernels_of(above, w), kernels_of(below, w), penalties) for w in widths])
        best_width, best_penalty = np.unravel_index(scores.argmin(), scores.shape)
        width, penalty = float(widths[best_width]), float(penalties[best_penalty])
        moments = [
            kernels.T @ kernels / len(kernels) for kernels in (kernels_of(above, width), kernels_of(below, width))
        ]
        second = self.alpha * moments[0] + (1 - self.alpha) * moments[1]
        first = kernels_of(above, width).mean(axis=0)
        coefficients = np.linalg.solve(second + penalty * np.eye(len(second)), first)
        log_ratio = logarithm_of_sum(Kernels(centres, width), coefficients)
        tuning = {"alpha": self.alpha, "width": width, "penalty": penalty}
        return fitted(self, samples, log_ratio, tuning, numerator_share=self.alpha)

    def _scores(
        self,
        above: Float[np.ndarray, "numerator centres"],
        below: Float[np.ndarray, "denominator centres"],
        penalties: Float[np.ndarray, " penalties"],
    ) -> Float[np.ndarray, " penalties"]:
        """By penalty the mean over the folds of the squared error on rows that were not fitted.

        Of both samples every ``folds``-th row is held out, and takes its kernel along.
        """
        second_above, second_below, first_above = above.T @ above, below.T @ below, above.sum(axis=0)
        scores = np.zeros(len(penalties))
        for fold in range(self.folds):
            held_above, held_below = above[fold :: self.folds], below[fold :: self.folds]
            kept = kernels_of_others(np.arange(len(above)) % self.folds == fold, above.shape[1])
            others = len(above) - len(held_above), len(below) - len(held_below)
            second = self.alpha * (second_above - held_above.T @ held_above) / others[0]
            second += (1 - self.alpha) * (second_below - held_below.T @ held_below) / others[1]
            eigenvalues, basis = np.linalg.eigh(second[np.ix_(kept, kept)])
            first = basis.T @ (first_above - held_above.sum(axis=0))[kept] / others[0]
            solutions = basis @ (first[:, None] / (np.maximum(eigenvalues, 0)[:, None] + penalties))
            r_above, r_below = (np.maximum(held[:, kept] @ solutions, 0) for held in (held_above, held_below))
            scores += _squared_error(r_above, r_below, self.alpha)
        return scores / self.folds


def _squared_error(
    above: Float[np.ndarray, "numerator penalties"], below: Float[np.ndarray, "denominator penalties"], alpha: float
) -> Float[np.ndarray, " penalties"]:
    """Up to a constant, half the squared error over the mixture. Source: Yamada et al. 2011, section 2.2."""
    squares = alpha * (above**2).mean(axis=0) + (1 - alpha) * (below**2).mean(axis=0)
    error: Float[np.ndarray, " penalties"] = squares / 2 - above.mean(axis=0)
    return error
