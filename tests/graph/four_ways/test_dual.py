"""Dual numbers, against closed forms, autograd and the lecture's example."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from shinso.graph import elementary as el
from shinso.graph.four_ways._dual import Dual, derivative

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: x + 2.0 + x,
    "sum from the right": lambda x: 2.0 + x,
    "difference": lambda x: x * x - x,
    "difference from the right": lambda x: 2.0 - x * x,
    "product": lambda x: 3.0 * x * (x + 1.0) * 2.0,
    "quotient": lambda x: (x + 1.0) / (x * x + 2.0),
    "quotient of a number": lambda x: 2.0 / x,
    "quotient by a number": lambda x: x**2 / 2.0,
    "power": lambda x: x**3 + x**-2 + x**0.5,
    "number to a power": lambda x: 2.0**x,
    "power of itself": lambda x: x**x,
    "negative": lambda x: -x + +x * -x,
    "absolute": lambda x: abs(x - 2.0),
    "nested": lambda x: el.sin(el.exp(el.tanh(x) * x)),
}


def autograd(function: Callable[[Any], Any], x: float) -> float:
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(function(leaf), leaf)[0].item()


@given(st.floats(-20, 20))
def test_example_of_the_lecture(x: float) -> None:
    # Lecture 003 equation 81.
    result = el.exp(Dual(x, 1.0)) + 3 * Dual(x, 1.0) ** 2 + 4 * Dual(x, 1.0)
    assert result.value == pytest.approx(math.exp(x) + 3 * x**2 + 4 * x, rel=1e-14)
    assert result.tangent == pytest.approx(math.exp(x) + 6 * x + 4, rel=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("x", [0.4, 1.7])
def test_derivative_is_that_of_autograd(name: str, x: float) -> None:
    assert derivative(FUNCTIONS[name], x) == pytest.approx(autograd(FUNCTIONS[name], x), rel=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_derivative_is_that_of_sympy(name: str) -> None:
    symbol = sp.Symbol("x", positive=True)
    expected = float(sp.diff(FUNCTIONS[name](symbol), symbol, 2).subs(symbol, 0.7).evalf())
    found = derivative(lambda v: derivative(FUNCTIONS[name], v), 0.7)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_nested_functions_follow_the_chain_rule(value: float, tangent: float) -> None:
    # Lecture 003 equation 79.
    inner = el.sin(Dual(value, tangent))
    outer = el.exp(inner)
    assert outer.tangent == pytest.approx(math.exp(math.sin(value)) * math.cos(value) * tangent, rel=1e-12, abs=1e-12)


def test_epsilon_squared_is_zero() -> None:
    square = Dual(0.0, 1.0) * Dual(0.0, 1.0)
    assert (square.value, square.tangent) == (0.0, 0.0)


def test_a_derivative_inside_another_is_not_mixed_up_with_it() -> None:
    # d/dx x · (d/dy (x + y)) is 1; with one ε for both it would be 2.
    assert derivative(lambda x: x * derivative(lambda y: x + y, 1.0), 1.0) == 1.0
    # d/dx of x · d/dy (x y²) at y = 2 is d/dx 4x² = 8x.
    assert derivative(lambda x: x * derivative(lambda y: x * y**2, 2.0), 3.0) == 24.0


@pytest.mark.parametrize("make", [np.array, lambda values: torch.tensor(values, dtype=torch.float64)])
def test_arrays_and_tensors_entry_by_entry(make: Callable[[list[float]], Any]) -> None:
    x = make([0.5, 1.0, 2.0])
    found = derivative(lambda v: make([1.0, 2.0, 3.0]) * v**2 + el.exp(v) - make([1.0, 1.0, 1.0]), x)
    assert found.tolist() == pytest.approx([1.0 + math.exp(0.5), 4.0 + math.exp(1), 12.0 + math.exp(2)], rel=1e-14)


def test_sum_and_entries() -> None:
    direction = torch.tensor([1.0, -2.0])
    moving = Dual(torch.tensor([3.0, 4.0]), direction)
    assert (moving * moving).sum().tangent.item() == 2 * (3.0 - 8.0)
    assert moving[1].tangent.item() == -2.0
    # The tangent of 2.0 + x has been left a number.
    assert derivative(lambda x: (torch.ones(3) * 2.0 + x).sum(), 1.0).item() == 3.0


def test_comparisons_are_of_values() -> None:
    a, b = Dual(1.0, 5.0), Dual(2.0, -5.0)
    assert a < b
    assert a <= b
    assert b > a
    assert b >= 2.0
    assert a == 1.0
    assert a != b
    assert bool(Dual(0.0, 1.0)) is False
    assert hash(a) == hash(1.0)


def test_control_flow_is_followed() -> None:
    def by_newton(x: Any) -> Any:
        root = x
        while abs(root * root - x) > 1e-14 * x:
            root = 0.5 * (root + x / root)
        return root

    assert derivative(by_newton, 2.0) == pytest.approx(0.5 / math.sqrt(2.0), rel=1e-10)


def test_a_constant_has_derivative_zero_and_a_zeroth_power_too() -> None:
    assert derivative(lambda x: 3.0, 2.0) == 0.0
    assert derivative(lambda x: x**0, 0.0) == 0.0
    assert derivative(lambda x: x**2, 0.0) == 0.0


def test_it_is_never_taken_for_a_number_silently() -> None:
    with pytest.raises(TypeError, match="must be real number, not Dual"):
        math.exp(Dual(1.0, 1.0))


def test_text() -> None:
    assert repr(Dual(1.5, 2.0)) == "Dual(1.5 + 2.0ε)"
