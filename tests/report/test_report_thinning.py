import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shinso.report._thinning import smoothed, thinned

MOST = 50
SERIES = hnp.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e6, 1e6))


@given(SERIES)
def test_thinning_keeps_the_extremes_and_the_ends_and_the_order(values: np.ndarray) -> None:
    kept = thinned(values, MOST)
    assert len(kept) <= max(MOST, 1)
    assert values[kept].max() == values.max()
    assert values[kept].min() == values.min()
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert (np.diff(kept) > 0).all()


@given(st.integers(MOST + 1, 400), st.data())
def test_a_single_spike_survives_wherever_it_is(length: int, data: st.DataObject) -> None:
    where = data.draw(st.integers(0, length - 1))
    values = np.zeros(length)
    values[where] = data.draw(st.sampled_from([1.0, -1.0, np.nan, np.inf]))
    assert where in thinned(values, MOST)


def test_a_short_series_is_drawn_whole() -> None:
    np.testing.assert_array_equal(thinned(np.zeros(MOST), MOST), np.arange(MOST))


@given(SERIES, st.integers(0, 20))
def test_smoothing_is_the_mean_of_the_neighbours(values: np.ndarray, half: int) -> None:
    expected = [values[max(0, i - half) : i + half + 1].mean() for i in range(len(values))]
    np.testing.assert_allclose(smoothed(values, 2 * half + 1), expected, atol=1e-6)


def test_smoothing_leaves_gaps_as_gaps_and_out_of_the_means() -> None:
    values = np.array([1.0, np.nan, 3.0, np.inf, 8.0])
    np.testing.assert_array_equal(smoothed(values, 3), [1.0, np.nan, 3.0, np.nan, 8.0])
