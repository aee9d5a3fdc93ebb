"""Intervals for weighted means of losses, which are skewed, by weights of which a few may count for most."""

import math

import numpy as np
from jaxtyping import Float

from shinso.shift.damage._intervals import Interval, critical_value
from shinso.shift.damage._mean_error import MeanError

_STRAIGHT = 1e-8
_SINGLE = 1e-9
_UNKNOWN = Interval(-math.inf, math.inf, math.inf)


def skewed_interval(
    value: float,
    residuals: Float[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    current_rows: int | None,
    level: float,
) -> Interval:
    """An interval for a mean whose error is a weighted mean of residuals, itself of weighted mean 0.

    The t statistic is transformed by a monotone cubic that removes its skewness, so that either end misses equally
    often up to 1/rows, as for the studentised bootstrap, but without a random number. For the mean of one sample it is
    the interval of Hall 1992, Journal of the Royal Statistical Society B 54, section 2; the general form takes the
    cumulants of t for a ratio and for a truth that is itself the mean of ``current_rows`` rows. Where a few rows carry
    most of the weight the variance is as uncertain as the mean: it is the jackknife's, and t has the degrees of freedom
    that this variance is worth (as in Bell and McCaffrey 2002, Survey Methodology 28; see ``MeanError``). On diabetes
    split strongly by known weights the jackknife lifts coverage at 0.9 from 0.86 to 0.88, the degrees to 0.91.

    Where a single row has all the weight nothing tells how far it is off, and the interval is infinite.
    """
    if _is_single(weights):
        return _UNKNOWN
    error = MeanError.of_ratio(residuals, weights, current_rows)
    critical = critical_value(level, error.degrees_of_freedom)
    variance = error.reference_variance + error.current_variance
    low, high = _without_skewness(variance, error.third_cumulant, error.covariance_with_variance, critical)
    return Interval(value - low, value - high, variance)


def skewed_product_interval(
    losses: Float[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    current_rows: int | None,
    level: float,
) -> Interval:
    """The same for the mean of weight × loss: for its expectation, and widened evenly for the current rows' noise."""
    if _is_single(weights):
        return _UNKNOWN
    value = float((weights * losses).mean())
    error = MeanError.of_products(losses, weights, current_rows)
    expectation = MeanError.of_products(losses, weights, None)
    critical = critical_value(level, error.degrees_of_freedom)
    variance, third = expectation.reference_variance, expectation.third_cumulant
    low, high = _without_skewness(variance, third, third, critical)
    wider = math.sqrt(1 + error.current_variance / variance) if variance else 1.0
    return Interval(value - wider * low, value - wider * high, variance + error.current_variance)


def _is_single(weights: Float[np.ndarray, " rows"]) -> bool:
    return bool(weights.max() > (1 - _SINGLE) * weights.sum())


def _without_skewness(variance: float, third: float, covariance: float, critical: float) -> tuple[float, float]:
    """The upper and lower quantile of value - truth, from its cumulants and its covariance with its own variance."""
    if variance == 0:
        return 0.0, 0.0
    scale = math.sqrt(variance)
    bend = (3 * covariance - third) / scale**3 / 6
    offset = covariance / scale**3 / 2 - bend

    def untransformed(quantile: float) -> float:
        if abs(bend) < _STRAIGHT:
            return quantile - offset
        return (math.cbrt(1 + 3 * bend * (quantile - offset)) - 1) / bend

    return scale * untransformed(critical), scale * untransformed(-critical)
