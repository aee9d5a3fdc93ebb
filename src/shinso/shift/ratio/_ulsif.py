"""Least-squares importance fitting with a leave-one-out score in closed form."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._density_ratio import DensityRatio, fitted
from shinso.shift.ratio._gaussian_kernels import (
    WIDTH_FACTORS,
    Kernels,
    kernels_of,
    logarithm_of_sum,
    squared_distances,
    widths_to_try,
)
from shinso.shift.ratio._samples import read_samples
from shinso.shift.ratio._settings import check_candidates, check_numbers
from shinso.shift.ratio._table import Table

PENALTIES = tuple(float(penalty) for penalty in np.logspace(-4, 1, 11))


@dataclass(frozen=True)
class ULSIF:
    """Unconstrained least-squares importance fitting: r(x) = Σ_l θ_l k(x, c_l) nearest to p/q in squared error over q.

    θ = (H + λI)⁻¹ h with H = mean_q φφᵀ and h = mean_p φ; a negative r is taken as 0. The width and λ have the least
    leave-one-out score, for which no fit is repeated; a numerator row that is left out takes its kernel along. The
    coefficients themselves are not cut off at 0, as the paper does: the cut is then no part of what is left out, and
    the score is exact.
    Do not trust it far out: where the numerator has few rows and the denominator fewer, squared error is ruled by a
    handful of rows. In more than about ten columns the kernels see little.
    Raises ValueError for settings that cannot be, and for tables that do not fit together.
    Source: Kanamori, Hido and Sugiyama 2009, section 3.
    """

    centres: int = 200
    """How many rows of the numerator carry a kernel."""
    width_factors: tuple[float, ...] = WIDTH_FACTORS
    """Widths to try, as multiples of the median distance of rows to centres."""
    penalties: tuple[float, ...] = PENALTIES
    """Values of λ to try; those below 1/rows are left out, as within the error of single rows."""
    rows: int = 20_000
    """How many rows of each sample at most are used for the fit; the weights are for all."""
    seed: int = 0
    """For which rows are used, and which carry a kernel."""

    def __post_init__(self) -> None:
        check_numbers(centres=self.centres, rows=self.rows)
        check_candidates(width_factors=self.width_factors, penalties=self.penalties)

    def fit(self, numerator: Table, denominator: Table) -> DensityRatio:
        """The ratio of the density of the numerator's rows to that of the denominator's."""
        samples = read_samples(numerator, denominator, self.rows, np.random.default_rng(self.seed))
        centres = samples.numerator[: self.centres]
        above, below = (squared_distances(rows, centres) for rows in (samples.numerator, samples.denominator))
        widths = widths_to_try(below, self.width_factors)
        penalties = penalties_to_try(self.penalties, min(len(above), len(below)))
        scores = np.stack([leave_one_out_scores(kernels_of(above, w), kernels_of(below, w), penalties) for w in widths])
        best_width, best_penalty = np.unravel_index(scores.argmin(), scores.shape)
        width, penalty = float(widths[best_width]), float(penalties[best_penalty])
        coefficients = least_squares(kernels_of(above, width), kernels_of(below, width), penalty)
        log_ratio = logarithm_of_sum(Kernels(centres, width), coefficients)
        return fitted(self, samples, log_ratio, {"width": width, "penalty": penalty})


def least_squares(
    above: Float[np.ndarray, "numerator centres"], below: Float[np.ndarray, "denominator centres"], penalty: float
) -> Float[np.ndarray, " centres"]:
    """(H + λI)⁻¹ h. Source: Kanamori, Hido and Sugiyama 2009, section 3.1."""
    second = below.T @ below / len(below)
    return np.linalg.solve(second + penalty * np.eye(len(second)), above.mean(axis=0))


def leave_one_out_scores(
    above: Float[np.ndarray, "numerator centres"],
    below: Float[np.ndarray, "denominator centres"],
    penalties: Float[np.ndarray, " penalties"],
) -> Float[np.ndarray, " penalties"]:
    """By penalty the mean of r(x)²/2 - r(x') over pairs (x of q, x' of p), each r fitted without its pair.

    Leaving out a row changes H by a matrix of rank one, so that by Sherman, Morrison and Woodbury all fits follow from
    one; in the basis of the eigenvectors of H they do so for all penalties together. The kernels must sit at the
    numerator's first rows, in their order: a row takes its kernel along, which would find itself at home there.
    Source: Kanamori, Hido and Sugiyama 2009, section 3, without their cutting off of coefficients.
    """
    m, n = len(above), len(below)
    pairs = min(m, n)
    eigenvalues, basis = np.linalg.eigh(below.T @ below / n)
    # B = H + λ(n-1)/n: by penalty the inverse's eigenvalues.
    inverse = 1 / (np.maximum(eigenvalues, 0)[:, None] + penalties * (n - 1) / n)
    x, y = below[:pairs] @ basis, above[:pairs] @ basis
    mean = (m * (above.mean(axis=0) @ basis) - y) / (m - 1)
    own = np.zeros_like(y)
    own[: len(basis)] = basis[:pairs]
    xx = x**2 @ inverse

    def product(u: Float[np.ndarray, "pairs centres"], v: Float[np.ndarray, "pairs centres"]) -> np.ndarray:
        """uᵀ(B - xxᵀ/n)⁻¹v, by pair and penalty."""
        return np.asarray((u * v) @ inverse + ((u * x) @ inverse) * ((x * v) @ inverse) / (n - xx))

    # Its own kernel's coefficient is held at 0; of a row without one the divisor would be 0, and so is the dividend.
    share = product(own, mean) / np.where(own.any(axis=1)[:, None], product(own, own), 1)
    r_x, r_y = ((n - 1) / n * (product(z, mean) - product(z, own) * share) for z in (x, y))
    scores: Float[np.ndarray, " penalties"] = (np.maximum(r_x, 0) ** 2 / 2 - np.maximum(r_y, 0)).mean(axis=0)
    return scores


def penalties_to_try(penalties: tuple[float, ...], rows: int) -> Float[np.ndarray, " penalties"]:
    """Those of at least 1/rows; the largest is always there.

    With less, an eigenvalue that a single row makes is kept as it is, and so is its error; of some hundreds of rows
    the score falls for it now and then. That penalties must fall more slowly than 1/rows is theory too.
    Source: Kanamori, Suzuki and Sugiyama 2012, for the theory.
    """
    tried = np.sort(np.array(penalties))
    enough = tried[tried >= 1 / rows]
    return enough if len(enough) else tried[-1:]
