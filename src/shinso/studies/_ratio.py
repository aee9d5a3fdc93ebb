"""How many times as large one quantity is as another."""

import math
from collections.abc import Sequence

from shinso.studies._interval import Interval, mean_difference


def mean_ratio(numerators: Sequence[float], denominators: Sequence[float], confidence: float = 0.95) -> Interval:
    """The geometric mean of the ratios of pairs, such as two trainings with the same seed, with its interval.

    Raises ValueError for lists of different length, and numbers that are not above zero.
    """
    if not all(value > 0 for value in (*numerators, *denominators)):
        raise ValueError(f"ratios need numbers above zero; got {[*numerators]} and {[*denominators]}")
    logs = mean_difference([math.log(v) for v in numerators], [math.log(v) for v in denominators], confidence)
    return Interval(math.exp(logs.mean), math.exp(logs.low), _exp(logs.high))


def _exp(value: float) -> float:
    # Of one pair the interval is endless, and of few wild ones its end is beyond any number.
    return math.exp(value) if value < 700 else math.inf
