"""Each function for each kind of number, against math and torch."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from shinso.graph import elementary as el
from shinso.graph.four_ways._dual import Dual, derivative

# By name: the function of math, and numbers in its domain.
ORACLES = {
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
    "absolute": abs,
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("x", [0.3, 0.9])
def test_value_is_the_same_for_every_kind_of_number(name: str, x: float) -> None:
    function, expected = getattr(el, name), ORACLES[name](x)
    assert function(x) == pytest.approx(expected, rel=1e-15)
    assert function(np.array([x]))[0] == pytest.approx(expected, rel=1e-14)
    assert function(torch.tensor([x], dtype=torch.float64)).item() == pytest.approx(expected, rel=1e-14)
    assert float(function(sp.Float(x))) == pytest.approx(expected, rel=1e-14)
    assert float(function(mpmath.mpf(x))) == pytest.approx(expected, rel=1e-14)
    assert function(Dual(x, 1.0)).value == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("x", [0.3, 0.9])
def test_slope_is_that_of_autograd(name: str, x: float) -> None:
    function = getattr(el, name)
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(function(leaf), leaf)
    assert derivative(function, x) == pytest.approx(expected.item(), rel=1e-13)
    assert derivative(function, leaf.detach()).item() == pytest.approx(expected.item(), rel=1e-13)
    assert derivative(function, np.array([x]))[0] == pytest.approx(expected.item(), rel=1e-13)


@pytest.mark.parametrize("name", ["relu", "absolute"])
@pytest.mark.parametrize("x", [-2.0, 0.0, 2.0])
def test_slope_on_both_sides_of_a_kink_and_on_it(name: str, x: float) -> None:
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(getattr(torch, name)(leaf), leaf)
    assert derivative(getattr(el, name), x) == expected.item()
    assert derivative(getattr(el, name), torch.tensor([x])).item() == expected.item()


@pytest.mark.parametrize("name", ["maximum", "minimum"])
@pytest.mark.parametrize("x", [-1.0, 0.5, 3.0])
def test_slope_of_the_larger_and_smaller(name: str, x: float) -> None:
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    other = torch.tensor(0.5, dtype=torch.float64)
    (expected,) = torch.autograd.grad(getattr(torch, name)(leaf**2, other * leaf), leaf)
    assert derivative(lambda v: getattr(el, name)(v**2, 0.5 * v), x) == expected.item()


@given(st.floats(-700, 700))
def test_sigmoid_keeps_its_digits(x: float) -> None:
    expected = float(mpmath.mpf(1) / (1 + mpmath.exp(-mpmath.mpf(x))))
    assert el.sigmoid(x) == pytest.approx(expected, rel=1e-13)
    assert float(el.sigmoid(np.float64(x))) == pytest.approx(expected, rel=1e-13)


def test_sigmoid_of_a_large_number_does_not_overflow() -> None:
    assert el.sigmoid(-1e4) == 0.0
    assert el.sigmoid(1e4) == 1.0


def test_where_chooses_symbols_arrays_and_duals() -> None:
    x = sp.Symbol("x", real=True)
    assert el.where(x > 0, x**2, -x).subs(x, -3) == 3
    assert el.where(np.array([True, False]), 1.0, 2.0).tolist() == [1.0, 2.0]
    assert derivative(lambda v: el.where(v > 0, v**2, 5.0), 3.0) == 6.0
    assert derivative(lambda v: el.where(v > 0, v**2, 5.0), -3.0) == 0.0
    assert derivative(lambda v: el.where(v > 0, v**2, 5.0), torch.tensor([3.0, -3.0])).tolist() == [6.0, 0.0]
    assert el.maximum(x, 2).subs(x, 5) == 5
    assert el.minimum(x, 2).subs(x, 5) == 2


def test_power_is_the_operator() -> None:
    assert el.power(3.0, 2) == 9.0


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match=r"takes a number, a Dual, a NumPy array, a tensor .* got 'two', of type str"):
        el.exp("two")
