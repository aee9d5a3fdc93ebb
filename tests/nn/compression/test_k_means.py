"""k-means on the line against scikit-learn's from the same centres."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from shinso.nn.compression.k_means import cluster, nearest


@pytest.mark.parametrize("clusters", [2, 5, 16])
def test_it_is_scikit_learns_from_even_centres(clusters: int) -> None:
    values = np.random.default_rng(0).uniform(-1, 2, 2000)
    start = np.linspace(values.min(), values.max(), clusters)[:, None]
    theirs = KMeans(clusters, init=start, n_init=1, max_iter=300, tol=0).fit(values[:, None])
    ours = cluster(values, clusters)
    np.testing.assert_allclose(ours, np.sort(theirs.cluster_centers_[:, 0]), rtol=1e-9)
    distance = ((values - ours[nearest(values, ours)]) ** 2).sum()
    assert distance == pytest.approx(theirs.inertia_, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60), st.integers(1, 8))
def test_each_centre_is_the_mean_of_the_values_nearest_to_it(given_values: list[float], clusters: int) -> None:
    values = np.array(given_values)
    centres = cluster(values, clusters)
    assert 1 <= len(centres) <= clusters
    assert (np.diff(centres) > 0).all()
    numbers = nearest(values, centres)
    distances = np.abs(values[:, None] - centres)
    np.testing.assert_allclose(distances[np.arange(len(values)), numbers], distances.min(1), rtol=0, atol=1e-9)
    for number, centre in enumerate(centres):
        own = values[numbers == number]
        assert len(own)
        np.testing.assert_allclose(own.mean(), centre, rtol=1e-9, atol=1e-9)


def test_no_cluster_is_lost_to_a_gap_or_to_an_outlier() -> None:
    values = np.random.default_rng(0).normal(size=4000)
    for given_values in (values[np.abs(values) > 1], np.append(values, 500.0)):
        centres = cluster(given_values, 32)
        assert len(centres) == 32
        assert len(np.unique(nearest(given_values, centres))) == 32
        error = ((given_values - centres[nearest(given_values, centres)]) ** 2).mean()
        theirs = KMeans(32, n_init=3, random_state=0).fit(given_values[:, None]).inertia_ / len(given_values)
        assert error < 1.5 * theirs


def test_few_values_are_their_own_centres() -> None:
    np.testing.assert_array_equal(cluster(np.array([3.0, -1.0, 3.0, 0.1]), 3), [-1.0, 0.1, 3.0])
    assert len(cluster(np.zeros(0), 4)) == 0


def test_no_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 cluster; got 0"):
        cluster(np.ones(3), 0)
