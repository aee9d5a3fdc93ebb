"""Mixture density units: Bishop's multi-valued curve, and the maxima of mixtures."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from shinso.nn.outputs import HeteroscedasticGaussian, MixtureDensity, mixture_modes

STD = 1 / math.sqrt(12)
"""Of a uniform distribution between 0 and 1."""


def inverse_problem(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """x = t + 0.3 sin(2πt) + noise, to be inverted: for x around ½ there are three t (Bishop, 1994, section 6).

    Both are standardised.
    """
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(count, 1, generator=generator)
    noise = 0.1 * (2 * torch.rand(count, 1, generator=generator) - 1)
    return (curve(t) + noise - 0.5) / STD, (t - 0.5) / STD


def curve(t: Tensor) -> Tensor:
    return t + 0.3 * torch.sin(2 * math.pi * t)


class WithHiddenLayer(nn.Module):
    def __init__(self, unit: nn.Module) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(1, 24), nn.Tanh())
        self.unit = unit

    def cost(self, x: Tensor, t: Tensor) -> Tensor:
        return self.unit.negative_log_likelihood(self.hidden(x), t).mean()


def trained(unit: nn.Module) -> WithHiddenLayer:
    network = WithHiddenLayer(unit)
    x, t = inverse_problem(500, seed=0)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(500):
        optimizer.zero_grad()
        network.cost(x, t).backward()
        optimizer.step()
    return network


@pytest.fixture(scope="module")
def mixture() -> WithHiddenLayer:
    torch.manual_seed(0)
    return trained(MixtureDensity(24, 1, components=3))


def test_a_mixture_fits_a_multi_valued_curve_better_than_one_gaussian(mixture: WithHiddenLayer) -> None:
    torch.manual_seed(0)
    gaussian = trained(HeteroscedasticGaussian(24, 1))
    x, t = inverse_problem(1000, seed=1)
    with torch.no_grad():
        assert mixture.cost(x, t) < gaussian.cost(x, t) - 0.5


def test_its_modes_lie_on_the_branches(mixture: WithHiddenLayer) -> None:
    middle = mixture.hidden(torch.zeros(1, 1))  # x = ½
    points, log_densities = mixture.unit.modes(middle)
    # The two solutions besides t = ½ are symmetric about it; the curve rises up to t = 0.33.
    grid = torch.linspace(0, 0.33, 10_000)
    low = grid[(curve(grid) - 0.5).abs().argmin()]
    branches = torch.stack([low, torch.tensor(0.5), 1 - low])
    torch.testing.assert_close(0.5 + STD * points.flatten().sort().values, branches, rtol=0, atol=0.05)
    between = torch.tensor([[[(low - 0.5) / 2 / STD]]])
    assert (mixture.unit.distribution(middle).log_prob(between) < log_densities - 1).all()


def test_its_mode_solves_the_equation_everywhere_and_its_mean_does_not(mixture: WithHiddenLayer) -> None:
    x = torch.linspace(0.05, 0.95, 50)[:, None]
    features = mixture.hidden((x - 0.5) / STD)
    mode, mean = mixture.unit.mode(features), mixture.unit.distribution(features).mean.detach()
    assert mode.shape == (50, 1)
    assert (curve(0.5 + STD * mode) - x).abs().max() < 0.1
    assert (curve(0.5 + STD * mean) - x).abs().max() > 0.2


def test_modes_are_stationary_and_the_highest_is_the_maximum_over_a_grid() -> None:
    torch.manual_seed(0)
    logits, means, log_precisions = (
        torch.randn(5, 3).double(),
        2 * torch.randn(5, 3, 1).double(),
        torch.randn(5, 3, 1).double(),
    )
    mixture = MixtureSameFamily(
        Categorical(logits=logits), Independent(Normal(means, torch.exp(-0.5 * log_precisions)), 1)
    )
    points, log_densities = mixture_modes(logits, means, log_precisions)
    for component in range(3):
        y = points[:, component].clone().requires_grad_()
        log_density = mixture.log_prob(y)
        torch.testing.assert_close(log_densities[:, component], log_density.detach())
        assert torch.autograd.grad(log_density.sum(), y)[0].abs().max() < 1e-2
    grid = torch.linspace(-10, 10, 20001).double()[:, None, None].expand(-1, 5, 1)
    highest = mixture.log_prob(grid).amax(0)
    torch.testing.assert_close(log_densities.amax(1), highest, rtol=0, atol=1e-4)


def test_close_components_merge_in_one_mode_and_far_ones_keep_theirs() -> None:
    logits, log_precisions = torch.zeros(3), torch.zeros(3, 2)
    means = torch.tensor([[0.0, 0.0], [0.5, 0.0], [20.0, 0.0]])
    points, _ = mixture_modes(logits, means, log_precisions)
    expected = torch.tensor([[0.25, 0.0], [0.25, 0.0], [20.0, 0.0]])
    torch.testing.assert_close(points, expected, rtol=0, atol=1e-3)


def test_a_mixture_of_one_component_is_a_gaussian() -> None:
    torch.manual_seed(0)
    module = MixtureDensity(4, 3, components=1)
    features = torch.randn(2, 5, 4)
    torch.testing.assert_close(module.mode(features), module(features).means[..., 0, :])
    torch.testing.assert_close(module.distribution(features).mean, module(features).means[..., 0, :])
