"""Weights on the way from none to full."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shinso.shift.weighting import flattened


@given(exponent=st.floats(0, 1), seed=st.integers(0, 10**6))
def test_flattening_keeps_the_order_and_draws_to_one(exponent: float, seed: int) -> None:
    weights = np.sort(np.random.default_rng(seed).gamma(1.0, size=20))
    flat = flattened(weights, exponent)
    assert (np.diff(flat) >= 0).all()
    assert (np.abs(np.log(flat)) <= np.abs(np.log(weights)) + 1e-12).all()
    np.testing.assert_allclose(flattened(flat, 0.5) ** 2, flat, rtol=1e-12)


def test_flattening_runs_from_equal_to_full() -> None:
    np.testing.assert_array_equal(flattened([0, 0.5, 3], 0), 1)
    np.testing.assert_array_equal(flattened(torch.tensor([0, 0.5, 3]), 1), [0, 0.5, 3])


@pytest.mark.parametrize("exponent", [-0.5, np.nan, np.inf])
def test_an_exponent_that_is_none_is_named(exponent: float) -> None:
    with pytest.raises(ValueError, match=rf"0 \(no weighting\) or above, and at most 1 in earnest; got {exponent}"):
        flattened([1.0], exponent)
