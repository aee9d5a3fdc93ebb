"""Sharpness against closed forms: quadratics, linear models, and what scale must not change."""

import math

import pytest
import torch
from curvature_cases import BY_NAME
from scipy.stats import t
from torch import Tensor, nn

from shinso.lens import Probe
from shinso.lens.curvature import (
    epsilon_sharpness,
    filter_normalized,
    filter_normalized_sharpness,
    random_direction,
    subspace_epsilon_sharpness,
)


class Point(nn.Module):
    """A model that is its parameters."""

    def __init__(self, at: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(at)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.weight


def bowl(at: Tensor, curvatures: Tensor) -> Probe:
    """The loss ½Σ h w², whatever the batch."""
    return Probe(Point(at), lambda w, targets: 0.5 * (curvatures * w.square()).sum(), torch.ones(1), torch.ones(1))


CURVATURES = torch.tensor([1.0, 4.0, 0.5, 9.0]).double()


@pytest.mark.parametrize("epsilon", [1e-3, 0.1])
def test_a_box_around_the_minimum_is_highest_at_its_corners(epsilon: float) -> None:
    found = epsilon_sharpness(bowl(torch.zeros(4).double(), CURVATURES), epsilon)
    assert found == pytest.approx(100 * 0.5 * epsilon**2 * float(CURVATURES.sum()), rel=1e-6)


@pytest.mark.parametrize("curvature", [1e-6, 1e-3, 1.0, 1e3])
def test_a_flat_minimum_is_climbed_as_far_as_a_sharp_one(curvature: float) -> None:
    found = epsilon_sharpness(bowl(torch.zeros(4).double(), curvature * CURVATURES), 1e-3)
    assert found == pytest.approx(100 * 0.5 * 1e-6 * curvature * float(CURVATURES.sum()), rel=1e-6)


def test_away_from_the_minimum_the_box_is_larger_and_the_corner_outward() -> None:
    at = torch.tensor([1.0, -2.0, 0.0, 3.0]).double()
    far = at.abs() + 0.01 * (at.abs() + 1)
    low, high = (0.5 * float((CURVATURES * w.square()).sum()) for w in (at, far))
    assert epsilon_sharpness(bowl(at, CURVATURES), 0.01) == pytest.approx(100 * (high - low) / (1 + low), rel=1e-6)


def test_along_one_random_direction_the_box_is_an_interval() -> None:
    at = torch.tensor([1.0, -2.0, 0.5]).double()
    curvatures = torch.tensor([2.0, 1.0, 3.0]).double()
    direction = torch.randn(3, 1, generator=torch.Generator().manual_seed(4)).double()
    direction = (direction / direction.norm()).squeeze()
    bound = 0.05 * (abs(float(direction @ at)) + 1)
    losses = [0.5 * float((curvatures * (at + sign * bound * direction) ** 2).sum()) for sign in (-1, 1)]
    low = 0.5 * float((curvatures * at**2).sum())
    found = subspace_epsilon_sharpness(bowl(at, curvatures), 0.05, dimensions=1, seed=4)
    assert found == pytest.approx(100 * (max(losses) - low) / (1 + low), rel=1e-6)


def test_a_subspace_of_all_dimensions_holds_what_a_part_of_it_does() -> None:
    probe = BY_NAME["rectified"].probe(40)
    few, many = (subspace_epsilon_sharpness(probe, 1e-2, dimensions=count, seed=1) for count in (1, 60))
    assert 0 <= few < many


def test_at_a_maximum_nothing_is_higher() -> None:
    assert epsilon_sharpness(bowl(torch.zeros(4).double(), -CURVATURES), 0.1) == 0.0


def test_filters_get_the_length_of_the_models_filters() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ConvTranspose2d(3, 5, 2, groups=1), nn.Flatten(), nn.Linear(5, 4)
    )
    probe = Probe(model, nn.functional.mse_loss, None, None)
    found = filter_normalized(probe, random_direction(probe, 3))
    assert list(found) == list(probe.parameters)
    for name, axes in {"0.weight": (1, 2, 3), "2.weight": (0, 2, 3), "4.weight": (1,)}.items():
        expected = model.get_parameter(name).detach().square().sum(axes).sqrt()
        torch.testing.assert_close(found[name].square().sum(axes).sqrt(), expected)
    assert all(not found[name].any() for name in ("0.bias", "1.weight", "1.bias", "2.bias", "4.bias"))
    direction, plain = found["4.weight"], random_direction(probe, 3)["4.weight"]
    torch.testing.assert_close(direction / direction.norm(dim=1, keepdim=True), plain / plain.norm(dim=1, keepdim=True))
    with torch.no_grad():
        model[4].weight.zero_()
    assert not filter_normalized(probe, random_direction(probe, 3))["4.weight"].any()


def test_filter_normalised_sharpness_of_a_quadratic() -> None:
    # Every filter has length 1, so that a direction's rise is ½r² (Σ h d²), for d of length 1.
    at = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]]).double()
    curvatures = torch.tensor([[1.0, 2.0, 3.0], [0.5, 5.0, 1.0]]).double()
    probe = bowl(at, curvatures)
    loss = 0.5 * float((curvatures * at.square()).sum())
    rises = []
    for number in range(4):
        direction = torch.randn(2, 3, generator=torch.Generator().manual_seed(7 + number)).double()
        direction /= direction.norm(dim=1, keepdim=True)
        rises.append(100 * 0.5 * 0.2**2 * float((curvatures * direction.square()).sum()) / (1 + loss))
    found = filter_normalized_sharpness(probe, 0.2, directions=4, seed=7)
    rise = torch.tensor(rises).double()
    half = t.ppf(0.975, 3) * float(rise.std()) / math.sqrt(4)
    assert found.value == pytest.approx(float(rise.mean()), rel=1e-6)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), rel=1e-6)


def test_what_is_wrong_is_said() -> None:
    probe = bowl(torch.ones(4).double(), CURVATURES)
    with pytest.raises(ValueError, match="positive size; got epsilon=0"):
        epsilon_sharpness(probe, 0.0)
    with pytest.raises(ValueError, match="a subspace of 4 parameters has 1 to 4 dimensions; got 5"):
        subspace_epsilon_sharpness(probe, dimensions=5)
    with pytest.raises(ValueError, match=r"positive radius and at least 2 directions; got 0.1 and 1"):
        filter_normalized_sharpness(probe, directions=1)
    for sharpness in (epsilon_sharpness, filter_normalized_sharpness):
        with pytest.raises(FloatingPointError, match="the loss is nan"):
            sharpness(bowl(torch.full((4,), float("nan")).double(), CURVATURES))
