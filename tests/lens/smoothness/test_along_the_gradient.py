"""Smoothness along the gradient against quadratic losses, where everything is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lens_cases import CASES, Case
from test_nothing_changes import assert_same, plain, sgd, trained
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import SGD

from shinso.lens import Probe, inspect, watch
from shinso.lens.smoothness import Smoothness, along_the_gradient, draw_smoothness

_SIZES = (0.05, 0.1, 0.3)


class Point(nn.Module):
    """A model that is its parameters."""

    def __init__(self, at: Tensor) -> None:
        super().__init__()
        self.first, self.second = nn.Parameter(at[:1].clone()), nn.Parameter(at[1:].clone())

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.cat([self.first, self.second])


def quadratic(seed: int, size: int = 4) -> tuple[Tensor, Tensor, Probe]:
    """A curvature A, a point θ, and the probe of θᵀAθ / 2 there."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(size, size, generator=generator, dtype=torch.float64)
    curvature, at = root @ root.T, torch.randn(size, generator=generator, dtype=torch.float64)
    return curvature, at, Probe(Point(at), lambda x, _: x @ curvature @ x / 2, torch.zeros(1), None)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_on_a_quadratic_loss_it_is_the_closed_form(seed: int) -> None:
    curvature, at, probe = quadratic(seed)
    line = along_the_gradient(probe, _SIZES)
    gradient = curvature @ at
    points = torch.stack([at - size * gradient for size in _SIZES])
    losses = torch.einsum("pi,ij,pj->p", points, curvature, points) / 2
    torch.testing.assert_close(line.losses, losses)
    torch.testing.assert_close(torch.stack(line.loss_range), torch.stack([losses.min(), losses.max()]))
    changes = torch.tensor(_SIZES, dtype=torch.float64) * (curvature @ gradient).norm()
    torch.testing.assert_close(line.gradient_changes, changes)
    torch.testing.assert_close(torch.stack(line.gradient_change_range), changes[[0, 2]])
    torch.testing.assert_close(line.effective_beta, (curvature @ gradient).norm() / gradient.norm())
    assert line.effective_beta <= torch.linalg.eigvalsh(curvature)[-1] * (1 + 1e-9)


def test_other_parameters_may_be_where_it_starts() -> None:
    curvature, _, probe = quadratic(0)
    start = {"first": torch.ones(1).double(), "second": torch.zeros(3).double()}
    line = along_the_gradient(probe, _SIZES, start)
    torch.testing.assert_close(line.loss, curvature[0, 0] / 2)
    torch.testing.assert_close(line.gradient_norm, curvature[0].norm())


def test_in_training_the_line_starts_before_the_step() -> None:
    curvature, at, probe = quadratic(1)
    optimizer = SGD(probe.model.parameters(), lr=0.1)
    lens = Smoothness(_SIZES)
    watching = watch(probe.model, optimizer, [lens], loss=probe.loss_function)
    with watching.step(probe.inputs, None):
        probe.loss_function(probe.model(probe.inputs), None).backward()
        optimizer.step()
    line = along_the_gradient(quadratic(1)[2], _SIZES)
    expected = {
        "loss": at @ curvature @ at / 2, "loss_low": line.losses.min(), "loss_high": line.losses.max(),
        "gradient_norm": (curvature @ at).norm(), "gradient_change_low": line.gradient_changes[0],
        "gradient_change_high": line.gradient_changes[-1], "effective_beta": line.effective_beta,
    }  # fmt: skip
    for name, value in expected.items():
        np.testing.assert_allclose(watching.readings(f"smoothness/{name}").values[0], value.item(), rtol=1e-9)


def test_of_a_model_at_rest() -> None:
    model, inputs, targets = nn.Linear(3, 1), torch.ones(2, 3), torch.zeros(2, 1)
    readings = inspect(model, F.mse_loss, inputs, targets, [Smoothness()])
    # Of mean (w·1 + b)², the only curvature is 2 |(1, 1, 1, 1)|² = 8.
    assert readings["smoothness/effective_beta"].values.item() == pytest.approx(8, rel=1e-4)


def test_in_a_diverged_training_it_reads_nan_and_at_a_minimum_no_beta() -> None:
    model = nn.Linear(1, 1, bias=False)
    probe = Probe(model, F.mse_loss, torch.full((1, 1), math.nan), torch.ones(1, 1))
    assert along_the_gradient(probe).loss_range[1].isnan()
    flat = along_the_gradient(Probe(model, lambda outputs, _: 0 * outputs.sum(), torch.ones(1, 1), None))
    assert flat.effective_beta.isnan()
    assert flat.gradient_changes.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("sizes", [(), (0.1, 0.0), (math.nan,)])
def test_step_sizes_that_lead_nowhere_are_refused(sizes: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="step sizes are learning rates to try, at least one and all positive; got"):
        Smoothness(sizes)


def test_a_frozen_model_has_no_gradient_to_follow() -> None:
    model = nn.Linear(1, 1).requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter of Linear is trained, so there is no gradient to follow"):
        along_the_gradient(Probe(model, F.mse_loss, torch.ones(1, 1), torch.ones(1, 1)))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_stays_the_same(case: Case) -> None:
    assert_same(trained(case, plain, sgd, [Smoothness()]), trained(case, plain, sgd, None))


def test_the_picture_shows_the_bands_of_each_network() -> None:
    from matplotlib.figure import Figure

    from shinso.record import Record

    record = Record()
    values = {"loss_low": 1.0, "loss_high": 2.0, "gradient_change_low": 0.5, "gradient_change_high": 3.0}
    for step in (1, 2):
        record.scalars(step, {f"smoothness/{name}": value * step for name, value in values.items()})
        record.scalars(step, {"smoothness/effective_beta": -1.0 * step})
    figure = Figure(layout="constrained")
    draw_smoothness({"mine": record}, figure)
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "log", "linear"]
    assert figure.axes[1].lines[0].get_ydata().tolist() == [3, 6]
    with pytest.raises(ValueError, match="the record 'empty' has no readings of Smoothness"):
        draw_smoothness({"empty": Record()}, figure)
