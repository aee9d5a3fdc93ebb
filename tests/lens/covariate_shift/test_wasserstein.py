"""Wasserstein distances against SciPy's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from shinso.lens.covariate_shift import wasserstein_distance


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(0, 10**6), st.booleans())
def test_it_is_scipys_unit_by_unit(first: int, second: int, units: int, seed: int, ties: bool) -> None:
    random = np.random.default_rng(seed)
    samples = [random.normal(size=(count, units)) for count in (first, second)]
    samples = [sample.round() if ties else sample for sample in samples]
    ours = wasserstein_distance(*map(torch.from_numpy, samples))
    expected = [stats.wasserstein_distance(samples[0][:, unit], samples[1][:, unit]) for unit in range(units)]
    np.testing.assert_allclose(ours.numpy(), expected, atol=1e-12)


def test_of_an_empty_sample_there_is_none() -> None:
    with pytest.raises(ValueError, match="needs two samples with values; got 0 and 2 values a unit"):
        wasserstein_distance(torch.ones(0, 3), torch.ones(2, 3))
