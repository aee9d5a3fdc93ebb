import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shinso.report._interval import rmse_interval, wilson


@given(st.integers(1, 100_000), st.data())
def test_the_wilson_interval_is_scipys(total: int, data: st.DataObject) -> None:
    correct = data.draw(st.integers(0, total))
    expected = stats.binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert wilson(correct, total) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_wilson_interval_ends_exactly_at_certainty() -> None:
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0


@pytest.mark.parametrize(("correct", "total"), [(3, 2), (-1, 2), (0, 0)])
def test_impossible_counts_are_refused(correct: int, total: int) -> None:
    with pytest.raises(ValueError, match=f"between 0 and a positive total; got {correct} of {total}"):
        wilson(correct, total)


def test_the_rmse_interval_is_the_normal_one_of_the_mean_square() -> None:
    errors = np.random.default_rng(0).normal(size=500)
    low, high = stats.norm.interval(0.95, loc=np.mean(errors**2), scale=stats.sem(errors**2))
    assert rmse_interval(errors) == pytest.approx((math.sqrt(low), math.sqrt(high)), rel=1e-12)


def test_the_rmse_interval_covers_the_true_error_about_95_times_in_100() -> None:
    rng = np.random.default_rng(1)
    intervals = [rmse_interval(rng.normal(scale=2.0, size=400)) for _ in range(1000)]
    covered = sum(low <= 2.0 <= high for low, high in intervals)
    # Three standard deviations of a binomial with p = 0.95, and a little for the skew of squares.
    assert 925 <= covered <= 971


def test_the_rmse_interval_never_goes_below_zero() -> None:
    assert rmse_interval(np.array([0.0, 0.0, 0.0, 9.0]))[0] == 0.0


def test_one_error_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least two examples; got 1"):
        rmse_interval(np.array([1.0]))
