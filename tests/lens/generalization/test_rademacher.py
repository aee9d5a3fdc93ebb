"""Rademacher complexity against sums over all signs, known classes, and trainings."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from shinso.lens.generalization import (
    estimated_rademacher_complexity,
    massart_bound,
    network_fit,
    rademacher_complexity,
    rademacher_complexity_by_fitting,
)


def by_definition(outputs: np.ndarray) -> float:
    examples = outputs.shape[1]
    suprema = [max(np.dot(signs, row) for row in outputs) for signs in itertools.product((-1, 1), repeat=examples)]
    return float(np.mean(suprema)) / examples


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_it_is_the_mean_over_all_signs(examples: int, functions: int, seed: int) -> None:
    outputs = np.random.default_rng(seed).standard_normal((functions, examples))
    assert rademacher_complexity(torch.from_numpy(outputs)) == pytest.approx(by_definition(outputs), abs=1e-12)


def test_of_more_examples_than_one_chunk() -> None:
    # A single pair ±1: the mean of |Σσ| / N, which is C(N−1, N/2) N / 2^(N−1) / N for even N.
    outputs = torch.ones(2, 16)
    outputs[1] = -1
    assert rademacher_complexity(outputs) == pytest.approx(math.comb(16, 8) * 8 / 2**16 * 2 / 16)


def test_the_estimate_holds_the_exact_value_in_its_interval() -> None:
    outputs = torch.randn(5, 10, generator=torch.Generator().manual_seed(0))
    found = estimated_rademacher_complexity(outputs, draws=4000)
    assert found.low < rademacher_complexity(outputs) < found.high
    assert found.high - found.low < 0.03
    assert found == estimated_rademacher_complexity(outputs, draws=4000)


@given(st.integers(1, 10))
@settings(max_examples=10, deadline=None)
def test_thresholds_stay_below_the_bound_of_their_dimension(examples: int) -> None:
    # sign(x − t) on a line makes N + 1 patterns and has VC dimension 1: the bound counts just these.
    patterns = torch.tensor([[1 if place >= cut else -1 for place in range(examples)] for cut in range(examples + 1)])
    assert massart_bound(1, examples) == pytest.approx(math.sqrt(2 * math.log(examples + 1) / examples))
    assert rademacher_complexity(patterns) <= massart_bound(1, examples)


def test_a_fit_that_remembers_has_complexity_one_and_a_constant_one_nearly_none() -> None:
    inputs = torch.arange(50)
    assert rademacher_complexity_by_fitting(lambda x, signs: signs, inputs, 50).mean == 1
    constant = rademacher_complexity_by_fitting(lambda x, signs: torch.ones(50), inputs, 50, draws=200)
    assert constant.low < 0 < constant.high
    better = rademacher_complexity_by_fitting(
        lambda x, signs: torch.full((50,), 1.0 if signs.sum() > 0 else -1.0), inputs, 50, draws=200
    )
    assert better.mean == pytest.approx(math.sqrt(2 / math.pi / 50), rel=0.2)  # E|Σσ| / N


def test_a_wide_network_fits_random_signs_and_a_linear_one_cannot() -> None:
    inputs = torch.randn(30, 2, generator=torch.Generator().manual_seed(0))
    random = torch.get_rng_state()
    wide = network_fit(lambda: nn.Sequential(nn.Linear(2, 128), nn.ReLU(), nn.Linear(128, 1)), 400, 0.03)
    linear = network_fit(lambda: nn.Linear(2, 1), steps=200)
    memorised = rademacher_complexity_by_fitting(wide, inputs, 30, draws=2).mean
    lines = rademacher_complexity_by_fitting(linear, inputs, 30, draws=6)
    assert torch.equal(torch.get_rng_state(), random)
    assert memorised > 0.85
    assert 0 < lines.mean < min(0.5, massart_bound(3, 30))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"21 examples have 2\^21 sign patterns; the exact sum goes up to 20"):
        rademacher_complexity(torch.ones(1, 21))
    with pytest.raises(ValueError, match=r"at least one function and one example; got values of shape \(0, 3\)"):
        rademacher_complexity(torch.ones(0, 3))
    with pytest.raises(ValueError, match="some values of the functions are NaN or infinite"):
        estimated_rademacher_complexity(torch.full((1, 2), math.nan))
    with pytest.raises(ValueError, match=r"one finite value for each of the 3 examples; got the shape \(2,\)"):
        rademacher_complexity_by_fitting(lambda x, signs: signs[:2], None, 3)
    with pytest.raises(ValueError, match=r"got the shape \(3,\) with values not finite"):
        rademacher_complexity_by_fitting(lambda x, signs: signs * math.nan, None, 3)
    with pytest.raises(ValueError, match=r"one number for each of the 3 examples; got \(3, 2\)"):
        rademacher_complexity_by_fitting(network_fit(lambda: nn.Linear(2, 2)), torch.ones(3, 2), 3)
    with pytest.raises(ValueError, match="expected a dimension >= 0 and at least one example; got -1 and 5"):
        massart_bound(-1, 5)


def test_networks_take_inputs_by_name() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, *, points: Tensor) -> Tensor:
            return self.layer(points)

    found = rademacher_complexity_by_fitting(
        network_fit(Named, steps=100, learning_rate=0.1), {"points": torch.eye(2)}, 2, draws=3
    )
    assert found.mean == 1
