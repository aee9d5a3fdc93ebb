"""Pointwise activations against their definitions, and their derivatives against closed forms."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.activations import (
    DERIVATIVES,
    PARTS,
    BinaryStep,
    StraightThroughStep,
    binary_step,
    derivative,
    saturated,
    straight_through_step,
)

POINTWISE = [name for name in PARTS if name not in ("radial_basis", "maxout", "probout", "softmax")]


def points(*more: float) -> Tensor:
    """From −5 to 5 without the kinks, in float64."""
    return torch.cat([torch.linspace(-5, 5, 40, dtype=torch.float64), torch.tensor(more, dtype=torch.float64)])


def values(name: str, x: float) -> float:
    """The lecture's equation, one number at a time."""
    return {
        "identity": lambda: x,
        "binary_step": lambda: 0.0 if x < 0 else 1.0,
        "straight_through_step": lambda: 0.0 if x < 0 else 1.0,
        "logistic": lambda: 1 / (1 + math.exp(-x)),
        "tanh": lambda: 2 / (1 + math.exp(-2 * x)) - 1,
        "arctan": lambda: math.atan(x),
        "relu": lambda: max(0.0, x),
        "absolute_value": lambda: max(0.0, x) - min(0.0, x),
        "leaky_relu": lambda: max(0.0, x) + 0.01 * min(0.0, x),
        "parametric_relu": lambda: max(0.0, x) + 0.25 * min(0.0, x),
        "randomized_leaky_relu": lambda: max(0.0, x) + (1 / 8 + 1 / 3) / 2 * min(0.0, x),
        "elu": lambda: x if x >= 0 else math.exp(x) - 1,
        "softplus": lambda: math.log(1 + math.exp(x)),
        "hard_tanh": lambda: max(-1.0, min(1.0, x)),
        "cosine": lambda: math.cos(x),
    }[name]()


@pytest.mark.parametrize("name", POINTWISE)
def test_it_is_the_function_of_the_lecture(name: str) -> None:
    x = points(0.0, -1.0, 1.0)
    expected = torch.tensor([values(name, float(entry)) for entry in x], dtype=torch.float64)
    torch.testing.assert_close(PARTS[name].make().double().eval()(x), expected)


@pytest.mark.parametrize("name", POINTWISE)
def test_its_derivative_is_the_closed_form_and_at_kinks_that_of_torch(name: str) -> None:
    x = points(0.0, -1.0, 1.0)
    computed = derivative(PARTS[name].make().double().eval(), x)
    torch.testing.assert_close(computed, DERIVATIVES[name](x))


@pytest.mark.parametrize("name", [name for name in POINTWISE if "step" not in name])
def test_its_closed_form_is_the_limit_of_differences(name: str) -> None:
    x, h = points(), 1e-6
    differences = [(values(name, float(entry) + h) - values(name, float(entry) - h)) / (2 * h) for entry in x]
    torch.testing.assert_close(DERIVATIVES[name](x), torch.tensor(differences).double(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", POINTWISE)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_it_keeps_shape_and_type(name: str, dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, 4, 5, dtype=dtype).contiguous(memory_format=torch.channels_last)
    output = PARTS[name].make().to(dtype)(x)
    assert output.shape == x.shape
    assert output.dtype == dtype


@pytest.mark.parametrize(
    ("name", "activation", "parameters"),
    [
        ("leaky_relu", F.leaky_relu, {"negative_slope": 0.3}),
        ("elu", F.elu, {"alpha": 1.7}),
        ("randomized_leaky_relu", F.rrelu, {"lower": 0.1, "upper": 0.2}),
    ],
)
def test_closed_forms_take_the_parameters_of_torch(name: str, activation, parameters: dict[str, float]) -> None:
    x = points()
    torch.testing.assert_close(derivative(partial(activation, **parameters), x), DERIVATIVES[name](x, **parameters))


def test_closed_form_of_the_parametric_relu_takes_its_weight() -> None:
    x, module = points(), nn.PReLU(init=0.4).double()
    torch.testing.assert_close(derivative(module, x), DERIVATIVES["parametric_relu"](x, weight=0.4))


@settings(max_examples=30, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_steps_are_exactly_0_or_1(x: float) -> None:
    step = torch.tensor(0.0 if x < 0 else 1.0)
    assert torch.equal(binary_step(torch.tensor(x)), step)
    assert torch.equal(straight_through_step(torch.tensor(x)), step)


def test_only_the_straight_through_step_lets_the_gradient_pass() -> None:
    x = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
    passed_back = torch.tensor([0.5, -1.0, 2.0])
    assert torch.equal(torch.autograd.grad(StraightThroughStep()(x), x, passed_back)[0], passed_back)
    assert torch.equal(torch.autograd.grad(BinaryStep()(x), x, passed_back)[0], torch.zeros(3))


def test_the_derivative_of_the_derivative_is_the_second() -> None:
    x = points()
    torch.testing.assert_close(derivative(partial(derivative, torch.tanh), x), -2 * x.tanh() * (1 - x.tanh() ** 2))


def test_the_derivative_leaves_its_input_alone() -> None:
    x = torch.tensor([-1.0, 2.0])
    assert torch.equal(derivative(nn.ReLU(inplace=True), x), torch.tensor([0.0, 1.0]))
    assert torch.equal(x, torch.tensor([-1.0, 2.0]))


def test_the_derivative_of_a_random_activation_is_that_of_the_same_draw() -> None:
    torch.manual_seed(0)
    module, x = nn.RReLU(), -torch.ones(1000)
    slopes = derivative(module, x)
    torch.manual_seed(0)
    torch.testing.assert_close(slopes, -module(x))
    assert slopes.min() >= 1 / 8
    assert slopes.max() <= 1 / 3
    assert slopes.std() > 0.05


@pytest.mark.parametrize("mixing", [nn.Softmax(dim=-1), lambda x: x.cumsum(-1), lambda x: x - x.mean()])
def test_what_mixes_entries_has_no_derivative(mixing) -> None:
    with pytest.raises(ValueError, match=r"mixes entries of its input.*torch\.func\.jacrev"):
        derivative(mixing, torch.randn(4, 3))


def test_what_changes_the_shape_has_no_derivative() -> None:
    with pytest.raises(ValueError, match=r"keeps the shape; this one maps \[4, 6\] to \[4, 3\]"):
        derivative(nn.GLU(), torch.randn(4, 6))


def test_bounded_activations_saturate_and_rectifiers_on_one_side() -> None:
    x = torch.tensor([-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0])
    assert saturated(torch.sigmoid, x).tolist() == [True, False, False, False, False, False, True]
    assert saturated(torch.tanh, x).tolist() == [True, True, False, False, False, True, True]
    assert saturated(F.relu, x).tolist() == [True, True, True, True, False, False, False]
    assert not saturated(torch.neg, x).any()  # a slope of −1 is steep
    assert not saturated(F.leaky_relu, x).any()
    assert saturated(F.leaky_relu, x, below=0.02).tolist() == [True, True, True, True, False, False, False]
