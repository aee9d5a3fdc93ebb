"""What several seeds say about a mean."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A mean and the interval of confidence around it."""

    mean: float
    low: float
    high: float

    def percent(self) -> str:
        """The mean with its interval in percent: 98.1 [97.5, 98.7]."""
        return f"{100 * self.mean:.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"

    def __str__(self) -> str:
        return f"{self.mean:.3g} [{self.low:.3g}, {self.high:.3g}]"


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of independent values with its interval by Student's t; of one value the interval is endless.

    Raises ValueError for no values.
    """
    if not values:
        raise ValueError("an interval needs at least one value; got none")
    mean = math.fsum(values) / len(values)
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf)
    from scipy.stats import t

    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * deviation / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def mean_difference(left: Sequence[float], right: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of left - right over pairs, such as two trainings with the same seed, with its interval.

    Raises ValueError for lists of different length.
    """
    if len(left) != len(right):
        raise ValueError(f"differences need pairs; got {len(left)} and {len(right)} values")
    return mean_interval([a - b for a, b in zip(left, right, strict=True)], confidence)
