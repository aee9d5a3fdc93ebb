"""The density ratio as the weights that give the denominator the numerator's moments."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._density_ratio import DensityRatio, fitted
from shinso.shift.ratio._gaussian_kernels import (
    Kernels,
    kernels_of,
    logarithm_of_sum,
    median_distance,
    squared_distances,
    widths_to_try,
)
from shinso.shift.ratio._samples import Samples, read_samples
from shinso.shift.ratio._settings import check_candidates, check_enough_rows, check_numbers
from shinso.shift.ratio._table import Table


@dataclass(frozen=True)
class KernelMeanMatching:
    """Kernel mean matching: r(x) = Σ_l θ_l k(x, c_l) that brings the weighted denominator nearest to p.

    Nearest in the kernel's own distance of means (the maximum mean discrepancy), measured at ``witnesses`` rows, and
    with the constant among what is matched, so that the mean weight is near 1. Huang's weights exist at the
    denominator's rows alone, one unknown each; as a sum of kernels they exist everywhere, and a negative one is taken
    as 0. The width of the distance is the median distance, since no score can choose it; the width of the sum and its
    penalty have the least discrepancy on rows that were not fitted.
    Do not trust single weights: many ratios have the same smooth moments. Averages of smooth functions are what it is
    for.
    Raises ValueError for settings that cannot be, and for tables that do not fit together.
    Source: Huang, Smola, Gretton, Borgwardt and Schölkopf 2007, for what is matched; as a sum of kernels:
    Sugiyama, Suzuki and Kanamori 2012, section 3.3.
    """

    centres: int = 200
    """How many rows of the numerator carry a kernel."""
    witnesses: int = 300
    """Half of them rows of the numerator, half of the denominator; with all rows the distance is exact."""
    width_factors: tuple[float, ...] = (0.3, 0.5, 0.7, 1.0, 1.4, 2.0)
    penalties: tuple[float, ...] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    folds: int = 5
    rows: int = 20_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(centres=self.centres, witnesses=self.witnesses, folds=self.folds, rows=self.rows)
        check_candidates(width_factors=self.width_factors, penalties=self.penalties)

    def fit(self, numerator: Table, denominator: Table) -> DensityRatio:
        """The ratio of the density of the numerator's rows to that of the denominator's."""
        samples = read_samples(numerator, denominator, self.rows, np.random.default_rng(self.seed))
        check_enough_rows(self.folds, min(len(samples.numerator), len(samples.denominator)))
        centres = samples.numerator[: self.centres]
        distances = squared_distances(samples.denominator, centres)
        median = median_distance(distances)
        above, below = (moments_at_witnesses(rows, samples, self.witnesses, median) for rows in _both(samples))
        widths = widths_to_try(distances, self.width_factors)
        scores = np.stack([self._scores(above, below, kernels_of(distances, width)) for width in widths])
        best_width, best_penalty = np.unravel_index(scores.argmin(), scores.shape)
        width, penalty = float(widths[best_width]), self.penalties[best_penalty]
        matrix = below.T @ kernels_of(distances, width) / len(distances)
        coefficients = matched(matrix, above.mean(axis=0), penalty)
        log_ratio = logarithm_of_sum(Kernels(centres, width), coefficients)
        return fitted(self, samples, log_ratio, {"width": width, "penalty": penalty})

    def _scores(
        self,
        above: Float[np.ndarray, "numerator moments"],
        below: Float[np.ndarray, "denominator moments"],
        kernels: Float[np.ndarray, "denominator centres"],
    ) -> Float[np.ndarray, " penalties"]:
        """By penalty the squared discrepancy on rows that were not fitted."""
        cuts = np.array_split(np.arange(len(below)), self.folds)
        matrices = np.stack([below[cut].T @ kernels[cut] for cut in cuts])
        means = [part.mean(axis=0) for part in np.array_split(above, self.folds)]
        scores = np.zeros(len(self.penalties))
        for fold, cut in enumerate(cuts):
            matrix = (matrices.sum(axis=0) - matrices[fold]) / (len(below) - len(cut))
            mean = (np.sum(means, axis=0) - means[fold]) / (self.folds - 1)
            for number, penalty in enumerate(self.penalties):
                missing = matrices[fold] @ matched(matrix, mean, penalty) / len(cut) - means[fold]
                scores[number] += missing @ missing
        return scores


def moments_at_witnesses(
    rows: Float[np.ndarray, "rows columns"], samples: Samples, witnesses: int, width: float
) -> Float[np.ndarray, "rows moments"]:
    """Features whose inner products are the kernel's, on the span of the witnesses, and a constant one.

    Source: Williams and Seeger 2001 (Nyström's method).
    """
    some = np.concatenate([sample[: witnesses // 2] for sample in _both(samples)])
    eigenvalues, basis = np.linalg.eigh(Kernels(some, width).at(some))
    kept = eigenvalues > 1e-10 * eigenvalues[-1]
    features = Kernels(some, width).at(rows) @ (basis[:, kept] / np.sqrt(eigenvalues[kept]))
    return np.concatenate([features, np.ones((len(rows), 1))], axis=1)


def matched(
    matrix: Float[np.ndarray, "moments centres"], mean: Float[np.ndarray, " moments"], penalty: float
) -> Float[np.ndarray, " centres"]:
    """The θ that makes ‖matrix θ - mean‖² + penalty ‖θ‖² least."""
    return np.linalg.solve(matrix.T @ matrix + penalty * np.eye(matrix.shape[1]), matrix.T @ mean)


def _both(samples: Samples) -> tuple[Float[np.ndarray, "m columns"], Float[np.ndarray, "n columns"]]:
    return samples.numerator, samples.denominator
