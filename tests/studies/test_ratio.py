import math

import pytest
from scipy import stats

from shinso.studies._ratio import mean_ratio


def test_the_ratio_is_the_geometric_mean_with_the_interval_of_the_logarithms() -> None:
    ratio = mean_ratio([2.0, 8.0, 4.0], [1.0, 2.0, 1.0])
    assert ratio.mean == pytest.approx(32 ** (1 / 3))
    logs = [math.log(2), math.log(4), math.log(4)]
    low, high = stats.t.interval(0.95, 2, loc=sum(logs) / 3, scale=stats.sem(logs))
    assert (math.log(ratio.low), math.log(ratio.high)) == pytest.approx((low, high))


def test_of_one_pair_the_interval_is_endless() -> None:
    ratio = mean_ratio([3.0], [2.0])
    assert ratio.mean == pytest.approx(1.5)
    assert (ratio.low, ratio.high) == (0.0, math.inf)


def test_what_has_no_ratio() -> None:
    with pytest.raises(ValueError, match=r"numbers above zero; got \[1.0\] and \[0.0\]"):
        mean_ratio([1.0], [0.0])
    with pytest.raises(ValueError, match="need pairs; got 2 and 1 values"):
        mean_ratio([1.0, 2.0], [1.0])
