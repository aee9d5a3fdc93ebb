import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shinso.studies import Interval, mean_difference, mean_interval

values = st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(lambda v: np.std(v) > 1e-3)


@given(values)
def test_the_interval_is_that_of_students_t(sample: list[float]) -> None:
    interval = mean_interval(sample)
    low, high = stats.t.interval(0.95, len(sample) - 1, loc=np.mean(sample), scale=stats.sem(sample))
    np.testing.assert_allclose([interval.mean, interval.low, interval.high], [np.mean(sample), low, high], rtol=1e-9)


@given(values, st.integers(0, 2**32 - 1))
def test_a_difference_excludes_zero_exactly_when_the_paired_t_test_rejects(sample: list[float], seed: int) -> None:
    other = [value + noise for value, noise in zip(sample, np.random.default_rng(seed).normal(1, 1, 12), strict=False)]
    difference = mean_difference(other, sample)
    rejected = stats.ttest_rel(other, sample).pvalue < 0.05
    assert (difference.low > 0 or difference.high < 0) == rejected


def test_one_seed_proves_nothing() -> None:
    assert mean_interval([0.5]) == Interval(0.5, -math.inf, math.inf)


def test_what_cannot_be_an_interval() -> None:
    with pytest.raises(ValueError, match="at least one value; got none"):
        mean_interval([])
    with pytest.raises(ValueError, match="need pairs; got 2 and 1 values"):
        mean_difference([1.0, 2.0], [1.0])


def test_percent_is_read_as_points() -> None:
    assert Interval(0.981, 0.975, 0.987).percent() == "98.1 [97.5, 98.7]"
