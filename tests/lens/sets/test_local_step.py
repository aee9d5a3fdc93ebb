"""Positions on parabolas that are known."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from shinso.lens import Probe
from shinso.lens.sets import position_on_parabola, relative_step


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 5.0), st.floats(0.1, 5.0), st.floats(-3, 3))
def test_on_a_parabola_with_its_minimum_at_a_known_place(curvature: float, minimum: float, lowest: float) -> None:
    def loss(t: float) -> float:
        return curvature * (t - minimum) ** 2 + lowest

    begin, slope, end = (torch.tensor(x, dtype=torch.float64) for x in (loss(0), -2 * curvature * minimum, loss(1)))
    assert float(position_on_parabola(begin, slope, end)) == pytest.approx(1 / minimum - 1, abs=1e-6)


def test_what_bends_down_or_begins_uphill() -> None:
    def position(*numbers: float) -> float:
        return float(position_on_parabola(*torch.tensor(numbers)))

    assert position(1.0, -1.0, -1.0) == -1
    assert math.isnan(position(0.0, 1.0, 2.0))
    assert math.isnan(position(0.0, 0.0, 0.0))


def test_steps_of_complex_parameters() -> None:
    # The loss is |w - 1|², a parabola in any direction; this step goes half of the way to its minimum.
    model = nn.Linear(1, 1, bias=False, dtype=torch.complex128)
    probe = Probe(model, lambda o, t: (o - t).abs().square().mean(), torch.ones(2, 1).cdouble(), torch.ones(2, 1))
    before = {"weight": torch.tensor([[3 + 4j]], dtype=torch.complex128)}
    assert float(relative_step(probe, before, {"weight": (before["weight"] + 1) / 2})) == pytest.approx(-0.5)


def test_losses_that_are_rounded_too_coarsely_say_nothing() -> None:
    # Halfway to the minimum of 1 - s (t - t²/4): the slope is -s, and the step ends where α is -1/2.
    for dtype, known, unknown in ((torch.float32, 1e-3, 1e-7), (torch.float64, 1e-9, 1e-15)):
        for slope in (known, unknown):
            begin, down, end = (torch.tensor(x, dtype=dtype) for x in (1.0, -slope, 1 - 0.75 * slope))
            expected = -0.5 if slope == known else math.nan
            assert float(position_on_parabola(begin, down, end)) == pytest.approx(expected, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize(("rate", "expected"), [(0.25, 0.0), (0.5, 1.0), (0.125, -0.5)])
def test_steps_of_descent_on_a_quadratic_loss(rate: float, expected: float) -> None:
    # The loss is 2 w², its gradient 4 w: rate 1/4 lands on the minimum, 1/2 as high as before.
    model = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(model.weight, 3.0)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return 2 * (outputs - targets).square().mean()

    probe = Probe(model, loss, torch.ones(4, 1).double(), torch.zeros(4, 1).double())
    before = {"weight": torch.full((1, 1), 3.0, dtype=torch.float64)}
    after = {"weight": before["weight"] - rate * 12}
    assert float(relative_step(probe, before, after)) == pytest.approx(expected)
