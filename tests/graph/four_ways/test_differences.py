"""Difference quotients and their best steps, against closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shinso.graph.four_ways._differences import (
    best_central_step,
    best_forward_step,
    central_difference,
    extrapolated_difference,
    forward_difference,
)


def test_quotients_by_hand() -> None:
    # Lecture 003 equations 11 and 13 for x³ at 2 with h = 0.5.
    assert forward_difference(lambda x: x**3, 2.0, 0.5) == (2.5**3 - 2.0**3) / 0.5
    assert central_difference(lambda x: x**3, 2.0, 0.5) == 2.5**3 - 1.5**3


@given(st.floats(-3, 3))
def test_default_steps_reach_the_known_accuracy(x: float) -> None:
    expected = math.cos(x)
    assert forward_difference(math.sin, x) == pytest.approx(expected, abs=2e-7)
    assert central_difference(math.sin, x) == pytest.approx(expected, abs=1e-9)
    assert extrapolated_difference(math.sin, x).derivative == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_of_a_tensor(dtype: torch.dtype) -> None:
    x = torch.tensor([[0.5, -1.0], [2.0, 3.0]], dtype=dtype)
    expected = x.cos() * 2 * x.sin()
    accuracy = torch.finfo(dtype).eps ** 0.5 * 20
    for difference in (forward_difference, central_difference):
        found = difference(lambda v: (v.sin() ** 2).sum(), x)
        assert found.dtype == dtype
        assert torch.allclose(found, expected, atol=accuracy)
    assert x[0, 0] == 0.5


def test_gradient_of_an_array() -> None:
    x = np.array([[0.5, -1.0], [2.0, 3.0]])
    for difference in (forward_difference, central_difference):
        found = difference(lambda v: float((v**3).sum()), x)
        assert found.shape == (2, 2)
        assert np.allclose(found, 3 * x**2, rtol=1e-6)


@pytest.mark.parametrize(("scale", "x"), [(1.0, 1.0), (30.0, 0.1), (0.5, 2.0)])
def test_best_steps_are_near_the_theoretical_ones(scale: float, x: float) -> None:
    def function(v: float) -> float:
        return 2.0 + math.sin(scale * v)

    noise = 2.0**-52 * abs(function(x))
    second = abs(scale**2 * math.sin(scale * x))
    third = abs(scale**3 * math.cos(scale * x))
    forward, central = 2 * math.sqrt(noise / second), (3 * noise / third) ** (1 / 3)
    assert best_forward_step(function, x) == pytest.approx(min(forward, 0.01), rel=0.5)
    assert best_central_step(function, x) == pytest.approx(min(central, 0.01), rel=0.5)


def test_best_steps_beat_steps_a_hundred_times_off() -> None:
    def error(difference: object, step: float) -> float:
        return abs(difference(math.exp, 1.0, step) - math.e)  # type: ignore[operator]

    for difference, best in ((forward_difference, best_forward_step), (central_difference, best_central_step)):
        step = best(math.exp, 1.0)
        assert error(difference, step) < 0.1 * error(difference, 100 * step)
        spread = [error(difference, step * factor / 1000) for factor in (0.7, 0.8, 0.9, 1.0, 1.1)]
        assert error(difference, step) < 0.1 * max(spread)


def test_best_steps_of_a_straight_line_are_the_default_ones() -> None:
    assert best_forward_step(lambda x: 0.0, 1.0) == 2.0**-26
    assert best_central_step(lambda x: 0.0, 1.0) == pytest.approx(2.0 ** (-52 / 3))


def test_extrapolation_knows_its_error() -> None:
    found = extrapolated_difference(lambda x: math.exp(x) / (math.sin(x) - x**2), 1.0)
    # By the quotient rule.
    bottom = math.sin(1.0) - 1.0
    expected = math.e * (bottom - (math.cos(1.0) - 2.0)) / bottom**2
    assert abs(found.derivative - expected) <= max(10 * found.error, 1e-9 * abs(expected))
    assert found.evaluations <= 24


def test_a_step_that_moves_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a step of 1e-20 from 1\.0 moves nowhere"):
        forward_difference(math.sin, 1.0, 1e-20)
    with pytest.raises(ValueError, match=r"a step of 0 from 1\.0 moves nowhere"):
        central_difference(math.sin, 1.0, 0)
