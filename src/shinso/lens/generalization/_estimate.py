"""A mean that was measured on random draws, with how far off it may be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A mean, its standard error, and an interval that holds the true mean with 95 % confidence (Student's t)."""

    mean: float
    standard_error: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}]"


def estimated_mean(draws: Sequence[float]) -> Estimate:
    """The mean of independent draws; of a single one the interval is endless. Raises ValueError for none.

    >>> print(estimated_mean([1.0, 2.0, 3.0]))
    2 [-0.4841, 4.484]
    """
    if not draws:
        raise ValueError("a mean needs at least one draw; got none")
    mean = math.fsum(draws) / len(draws)
    if len(draws) == 1:
        return Estimate(mean, math.inf, -math.inf, math.inf)
    from scipy.stats import t

    variance = math.fsum((draw - mean) ** 2 for draw in draws) / (len(draws) - 1)
    error = math.sqrt(variance / len(draws))
    half = float(t.ppf(0.975, len(draws) - 1)) * error
    return Estimate(mean, error, mean - half, mean + half)
