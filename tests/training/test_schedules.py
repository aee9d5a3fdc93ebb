"""Schedules against torch's own and against closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shinso.recipe import Constant, Cosine, OneCycle, Schedule, Step
from shinso.training._schedules import rate

STEPS = 50


def torch_rates(make: object) -> list[float]:
    """The learning rates of a torch scheduler with peak 1, before each step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)  # type: ignore[operator]
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(schedule: Schedule) -> list[float]:
    return [rate(schedule, step / STEPS) for step in range(STEPS)]


def test_cosine_is_torchs() -> None:
    theirs = torch_rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, STEPS, eta_min=0.1))
    np.testing.assert_allclose(ours(Cosine(final=0.1, warmup=0.0)), theirs, rtol=1e-9)


def test_steps_are_torchs() -> None:
    theirs = torch_rates(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [10, 35], gamma=0.3))
    np.testing.assert_allclose(ours(Step(milestones=(0.2, 0.7), factor=0.3)), theirs, rtol=1e-9)


def test_one_cycle_is_torchs() -> None:
    # torch counts the last step as the end, so that its cycle of one more step is ours.
    theirs = torch_rates(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o,
            1.0,
            total_steps=STEPS + 1,
            pct_start=11 / (STEPS + 1),
            anneal_strategy="linear",
            div_factor=10,
            final_div_factor=1e9,
        )
    )
    np.testing.assert_allclose(ours(OneCycle(warmup=0.2, start=0.1, final=0.0)), theirs, atol=1e-8)


@given(st.floats(0, 1), st.floats(0.01, 1))
def test_constant_rises_linearly_then_stays(progress: float, warmup: float) -> None:
    assert rate(Constant(warmup=warmup), progress) == pytest.approx(min(1.0, progress / warmup))
    assert rate(Constant(), progress) == 1.0


schedules = st.one_of(
    st.builds(OneCycle, warmup=st.floats(0, 1), start=st.floats(0, 1), final=st.floats(0, 1)),
    st.builds(Cosine, warmup=st.floats(0, 1), final=st.floats(0, 1)),
    st.builds(Step, warmup=st.floats(0, 1), factor=st.floats(0, 1)),
    st.builds(Constant, warmup=st.floats(0, 1)),
)


@given(schedules, st.floats(-1, 2))
def test_rate_is_a_share_of_the_peak_and_progress_is_clamped(schedule: Schedule, progress: float) -> None:
    assert 0 <= rate(schedule, progress) <= 1 + 1e-12
    assert rate(schedule, progress) == rate(schedule, min(max(progress, 0.0), 1.0))


@given(st.floats(0, 1), st.floats(0, 1))
def test_cycles_end_where_they_say(warmup: float, final: float) -> None:
    for schedule in (OneCycle(warmup=warmup, final=final), Cosine(warmup=warmup, final=final)):
        if warmup < 1:
            assert math.isclose(rate(schedule, 1.0), final, abs_tol=1e-12)
