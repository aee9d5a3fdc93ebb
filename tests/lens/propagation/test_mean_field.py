"""Mean field theory against closed forms, and against Monte Carlo."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from torch import Tensor, nn

from shinso.lens.propagation import MeanField


def identity(values: Tensor) -> Tensor:
    return values


@given(st.floats(0.1, 5), st.floats(0.1, 4), st.floats(0, 2))
@settings(max_examples=20, deadline=None)
def test_rectified_and_linear_networks_in_closed_form(length: float, weights: float, biases: float) -> None:
    assert MeanField(torch.relu, weights, biases).variance_map(length) == pytest.approx(weights * length / 2 + biases)
    assert MeanField(identity, weights, biases).variance_map(length) == pytest.approx(weights * length + biases)
    assert MeanField(torch.relu, weights, biases).slope(length=length) == pytest.approx(weights / 2)


@given(st.floats(-0.999, 0.999))
@settings(max_examples=20, deadline=None)
def test_the_correlation_map_of_he_initialization_is_the_arc_cosine_kernel(correlation: float) -> None:
    expected = (math.sqrt(1 - correlation**2) + correlation * (math.pi - math.acos(correlation))) / math.pi
    assert MeanField(torch.relu, 2.0).correlation_map(correlation, 1.7) == pytest.approx(expected, abs=1e-9)
    assert MeanField(identity, 2.0).correlation_map(correlation, 1.7) == pytest.approx(correlation, abs=1e-9)


def test_the_error_function_in_closed_form() -> None:
    # E[erf(u) erf(v)] = 2/π arcsin(2 q c / (1 + 2 q)) (Williams 1997).
    q, c = 0.8, 0.3
    field = MeanField(torch.erf, 1.5, 0.1)
    length = 1.5 * 2 / math.pi * math.asin(2 * q / (1 + 2 * q)) + 0.1
    product = 1.5 * 2 / math.pi * math.asin(2 * q * c / (1 + 2 * q)) + 0.1
    assert field.variance_map(q) == pytest.approx(length, abs=1e-12)
    assert field.correlation_map(c, q) == pytest.approx(product / length, abs=1e-10)
    # The slope of the map at c, from its closed form.
    slope = 1.5 * 2 / math.pi * (2 * q / (1 + 2 * q)) / math.sqrt(1 - (2 * q * c / (1 + 2 * q)) ** 2) / q
    assert field.slope(c, q) == pytest.approx(slope, abs=1e-10)


def test_he_keeps_every_length_and_is_at_the_edge_of_chaos() -> None:
    he = MeanField(torch.relu, 2.0)
    assert he.fixed_length(3.0) == 3.0
    assert he.depth_scale() == math.inf
    assert MeanField(torch.relu, 1.9).fixed_length() == 0
    assert MeanField(torch.relu, 2.1).fixed_length() == math.inf
    assert MeanField(torch.relu, 1.0, 0.5).fixed_length() == pytest.approx(1.0)
    assert MeanField(torch.relu, 1.0, 0.5).depth_scale() == pytest.approx(1 / math.log(2))


def test_tanh_is_ordered_or_chaotic_as_published() -> None:
    # Poole et al. 2016, figure 2: the edge at no biases is σ_w = 1; at σ_b = 0.3 it lies between 1.3 and 2.5.
    ordered, chaotic = MeanField(torch.tanh, 1.3**2, 0.3**2), MeanField(torch.tanh, 2.5**2, 0.3**2)
    assert ordered.slope() < 1 < chaotic.slope()
    assert ordered.fixed_correlation() == 1
    assert 0 < chaotic.fixed_correlation() < 1
    for field in (ordered, chaotic):
        length, fixed = field.fixed_length(), field.fixed_correlation()
        assert field.variance_map(length) == pytest.approx(length)
        assert field.correlation_map(fixed, length) == pytest.approx(fixed, abs=1e-8)
    # The distance to the fixed point shrinks by exp(-1/ξ) a layer.
    length, fixed = chaotic.fixed_length(), chaotic.fixed_correlation()
    away = chaotic.correlation_map(fixed + 1e-4, length) - fixed
    assert away / 1e-4 == pytest.approx(math.exp(-1 / chaotic.depth_scale()), rel=1e-3)


def test_any_activation_agrees_with_sampling() -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(2, 400_000, generator=generator, dtype=torch.float64)
    c, q = 0.4, 1.2
    u, v = math.sqrt(q) * z[0], math.sqrt(q) * (c * z[0] + math.sqrt(1 - c * c) * z[1])
    for activation in (torch.nn.functional.gelu, torch.nn.functional.hardtanh, torch.sin):
        field = MeanField(activation, 1.5, 0.2)
        length = 1.5 * activation(u).square().mean().item() + 0.2
        assert field.variance_map(q) == pytest.approx(length, rel=0.02)
        expected = (1.5 * (activation(u) * activation(v)).mean().item() + 0.2) / length
        assert field.correlation_map(c, q) == pytest.approx(expected, rel=0.03)


def test_what_has_no_theory_is_said() -> None:
    with pytest.raises(ValueError, match=r"σ_w² is above 0 and σ_b² at least 0; got -1 and 0"):
        MeanField(torch.relu, -1, 0)
    with pytest.raises(ValueError, match=r"signals die out at σ_w² = 1\.0"):
        MeanField(torch.relu, 1.0).depth_scale()
    with pytest.raises(ValueError, match="signals grow without bound"):
        MeanField(torch.relu, 3.0).depth_scale()


def test_just_beyond_the_edge_of_chaos_signals_go_as_deep_as_just_before_it() -> None:
    edge = float(brentq(lambda weights: MeanField(torch.tanh, weights, 0.05).slope() - 1, 1.0, 4.0, xtol=1e-14))
    for distance in (1e-8, 1e-7, 1e-6, 1e-5):
        before, beyond = (MeanField(torch.tanh, edge + side * distance, 0.05).depth_scale() for side in (-1, 1))
        assert beyond == pytest.approx(before, rel=0.01)


def test_activations_may_work_in_place() -> None:
    in_place, plain = MeanField(nn.ReLU(inplace=True), 1.5, 0.1), MeanField(torch.relu, 1.5, 0.1)
    assert in_place.slope() == plain.slope()
    assert in_place.depth_scale() == plain.depth_scale()
