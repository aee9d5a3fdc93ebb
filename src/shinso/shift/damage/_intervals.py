"""An interval for a weighted mean of zeros and ones, which lies near an edge.

It is for an error of two parts: of the reference rows, and of the current rows on which the truth will be measured.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Interval:
    """The ends, and the variance of value - truth that they come from."""

    low: float
    high: float
    variance: float


def effective_sample_size(weights: Float[np.ndarray, " rows"]) -> float:
    """(Σw)²/Σw²: how many rows of equal weight give a mean of the same variance.

    Do not trust it where rows with the largest true ratios were not sampled at all: nothing in the weights shows that.
    Source: Kish 1965, Survey Sampling, section 11.7.
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def critical_value(level: float, degrees_of_freedom: float) -> float:
    """Student's quantile for a two-sided interval."""
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, degrees_of_freedom))


def pseudo_rows(level: float) -> float:
    """How many rows, half of them errors, Agresti and Coull 1998 add: the squared normal quantile, 3.8 at 0.95."""
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2)) ** 2


@dataclass(frozen=True)
class Shares:
    """What an interval for a share needs: 0/1 outcomes of the reference, weights, and what a method leaves unexplained.

    ``residuals`` are the outcomes minus their weighted mean where a method explains nothing; one that foretells
    outcomes from features leaves less.
    """

    outcomes: Float[np.ndarray, " rows"]
    residuals: Float[np.ndarray, " rows"]
    weights: Float[np.ndarray, " rows"]

    @property
    def rows(self) -> float:
        """The effective number of rows."""
        return effective_sample_size(self.weights)

    def unexplained(self, power: int, pseudo_rows: float) -> float:
        """Σ wᵖ·residual² over Σ w·(outcome - mean)², the w adding to 1: 1/rows and 1 for p = 2 and 1, equal weights.

        Pseudo-rows, half of them errors, keep it finite where no error was seen; they weigh what a typical current row
        weighs, Σw²/Σw.
        """
        left, spread = self._squares(power)
        pseudo = pseudo_rows / 2 / self.rows
        return (float(left.sum()) + pseudo / self.rows ** (power - 1)) / (float(spread.sum()) + pseudo)

    def degrees_of_freedom(self, pseudo_rows: float) -> float:
        """Satterthwaite's: 2 over the squared relative error of ``unexplained(2)``, at most the effective rows - 1."""
        left, spread = self._squares(2)
        pseudo = pseudo_rows / 2 / self.rows
        parts = left / (left.sum() + pseudo / self.rows) - spread / (spread.sum() + pseudo)
        return max(1.0, min(self.rows - 1, 2 / max(float((parts**2).sum()), 1e-12)))

    def _squares(self, power: int) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
        share = self.weights / self.weights.sum()
        return share**power * self.residuals**2, share * (self.outcomes - share @ self.outcomes) ** 2


def share_interval(
    value: float,
    shares: Shares,
    current_rows: int | None,
    level: float,
    *,
    further_variance: float = 0.0,
    reference_noise: float | None = None,
) -> Interval:
    """All shares y on ``current_rows`` rows (in their population where that is None) that the value does not reject.

    y is rejected where |value - y| > critical·√(S·p(1 - p) + further variance), p being the pooled share of reference
    and current rows if y is right, and S the noise of both in units of p(1 - p): Wilson's interval for a population,
    and for a second sample the joint sampling interval of Krishnamoorthy and Peng 2011 (Journal of Statistical Planning
    and Inference 141), here for weighted rows and for methods that explain a part.
    """
    pseudo = pseudo_rows(level)
    critical = critical_value(level, shares.degrees_of_freedom(pseudo))
    noise = shares.unexplained(2, pseudo) if reference_noise is None else reference_noise
    pooled = 1.0
    if current_rows is not None:
        noise += shares.unexplained(1, pseudo) / current_rows
        pooled = current_rows / (shares.rows + current_rows)
    value = min(max(value, 0.0), 1.0)
    square = 1 + critical**2 * noise * pooled**2
    middle = critical**2 * noise * pooled * (1 - 2 * value) / 2
    variance = noise * value * (1 - value) + further_variance
    half = (middle**2 + square * critical**2 * variance) ** 0.5
    low, high = value + (middle - half) / square, value + (middle + half) / square
    return Interval(max(low, 0.0), min(high, 1.0), max(variance, (half / square / critical) ** 2))
