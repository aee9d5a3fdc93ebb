"""Flatness under noise where the expected loss is known, and the bound by another inversion."""

import math

import pytest
import torch
from generalization_cases import classifier, probe_of
from scipy.optimize import brentq
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe
from shinso.lens.generalization import pac_bayes_flatness


def quadratic(curvature: float, parameters: int) -> Probe:
    """The loss ½ a ‖w‖², which noise of deviation σ raises by ½ a d σ² in the mean."""
    model = nn.Linear(parameters, 1, bias=False).double()
    nn.init.zeros_(model.weight)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return curvature * outputs.square().sum() / 2

    return Probe(model, loss, torch.eye(parameters, dtype=torch.float64), torch.zeros(parameters, 1))


@pytest.mark.parametrize("curvature", [0.5, 40.0])
def test_of_a_quadratic_it_is_the_square_root_of_the_rise_over_the_curvature(curvature: float) -> None:
    found = pac_bayes_flatness(quadratic(curvature, 400), rise=0.2, draws=64)
    assert found.sigma == pytest.approx(math.sqrt(2 * 0.2 / curvature / 400), rel=0.02)
    assert found.rise.mean == pytest.approx(0.2, rel=1e-3)
    assert found.rise.low < 0.2 < found.rise.high
    assert found.error is None
    assert math.isnan(found.bound)


def test_the_bound_is_the_inverse_of_the_divergence() -> None:
    model = classifier()
    probe = probe_of(model)
    start = {name: value + 0.001 for name, value in probe.parameters.items()}
    found = pac_bayes_flatness(probe, 0.1, center=start, examples=5000, delta=0.1)
    assert found.prior_sigma <= found.sigma < found.prior_sigma * math.exp(0.1)
    assert found.divergence == pytest.approx(31 * 0.001**2 / 2 / found.prior_sigma**2)
    assert found.error is not None
    error, index = found.error.mean, round(-10 * math.log(found.prior_sigma))
    budget = found.divergence + math.log(2 * math.sqrt(5000) / 0.1) + math.log(math.pi**2 * index**2 / 6)
    bound = brentq(
        lambda q: error * math.log(error / q) + (1 - error) * math.log((1 - error) / (1 - q)) - budget / 5000,
        error,
        1 - 1e-12,
    )
    assert found.bound == pytest.approx(bound)
    assert error < found.bound < 1


def test_without_a_center_the_prior_is_at_zero() -> None:
    probe = probe_of(classifier())
    found = pac_bayes_flatness(probe)
    square = sum(float(value.square().sum()) for value in probe.parameters.values())
    assert found.divergence == pytest.approx(square / 2 / found.prior_sigma**2)
    assert found == pac_bayes_flatness(probe)
    assert found != pac_bayes_flatness(probe, seed=1)


def test_the_bound_holds_for_noise_that_no_data_chose() -> None:
    # The network at its start, as its own center, has no divergence: the bound holds on the true error of fresh data.
    model = classifier(seed=3)
    probe = probe_of(model, examples=200)
    found = pac_bayes_flatness(probe, 0.05, center=probe.parameters, draws=64)
    fresh = probe_of(model, examples=4000, seed=9)
    assert found.divergence == 0
    assert pac_bayes_flatness(fresh, 0.05).error.mean < found.bound  # type: ignore[union-attr]


def test_ends_of_the_search() -> None:
    flat = Probe(nn.Linear(2, 1), lambda outputs, targets: 0 * outputs.sum(), torch.ones(1, 2), torch.ones(1))
    assert pac_bayes_flatness(flat).sigma == 10
    steep = quadratic(1e30, 2)
    assert pac_bayes_flatness(steep).sigma == 0
    broken = nn.Linear(2, 1)
    nn.init.constant_(broken.weight, math.nan)
    found = pac_bayes_flatness(Probe(broken, F.mse_loss, torch.ones(1, 2), torch.ones(1, 1)))
    assert math.isnan(found.sigma)
    assert math.isnan(found.bound)


def test_what_makes_no_sense_is_refused() -> None:
    probe = probe_of(classifier())
    with pytest.raises(ValueError, match="rise is how much the loss may grow and must be positive; got 0"):
        pac_bayes_flatness(probe, 0.0)
    with pytest.raises(ValueError, match="delta is a probability between 0 and 1; got 1"):
        pac_bayes_flatness(probe, delta=1.0)
    with pytest.raises(ValueError, match="a mean with its error needs at least two draws; got 1"):
        pac_bayes_flatness(probe, draws=1)
    with pytest.raises(ValueError, match=r"center lacks the parameter '0.weight'"):
        pac_bayes_flatness(probe, center={})
    with pytest.raises(ValueError, match="no parameter of Sequential is trained"):
        pac_bayes_flatness(probe_of(classifier().requires_grad_(False)))
