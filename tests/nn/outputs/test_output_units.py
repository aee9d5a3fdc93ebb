"""Output units against closed forms and torch.distributions."""

import math

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.outputs import (
    PARTS,
    HeteroscedasticGaussian,
    HomoscedasticGaussian,
    LinearGaussian,
    MixtureDensity,
    SigmoidBernoulli,
    SoftmaxMultinoulli,
)


def units() -> dict[str, tuple[nn.Module, Tensor]]:
    """Each unit on 4 features, with targets for a batch of 3 by 5."""
    torch.manual_seed(0)
    real = torch.randn(3, 5, 2)
    return {
        "linear_gaussian": (LinearGaussian(4, 2, variance=torch.tensor([0.3, 2.0])), real),
        "homoscedastic_gaussian": (HomoscedasticGaussian(4, 2, variance=0.7), real),
        "heteroscedastic_gaussian": (HeteroscedasticGaussian(4, 2), real),
        "sigmoid_bernoulli": (SigmoidBernoulli(4, 2), (real > 0).float()),
        "softmax_multinoulli": (SoftmaxMultinoulli(4, 3), torch.randint(3, (3, 5))),
        "mixture_density": (MixtureDensity(4, 2, components=3), real),
    }


UNITS = units()


def features(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1), dtype=dtype)


def in_double(name: str) -> tuple[nn.Module, Tensor]:
    module, targets = UNITS[name]
    return module.double(), targets.double() if targets.is_floating_point() else targets


def test_every_unit_of_the_catalogue_is_tested() -> None:
    assert set(PARTS) == set(UNITS)


@pytest.mark.parametrize("name", UNITS)
def test_the_cost_is_minus_the_log_probability_of_torch(name: str) -> None:
    module, targets = in_double(name)
    cost = module.negative_log_likelihood(features(), targets)
    assert cost.shape == (3, 5)
    torch.testing.assert_close(cost, -module.distribution(features()).log_prob(targets))


@pytest.mark.parametrize("name", UNITS)
def test_gradients_are_right(name: str) -> None:
    module, targets = in_double(name)
    h = features()[:2, :2].requires_grad_()
    # gradcheck changes the parameters in place, where the module sees it.
    assert torch.autograd.gradcheck(
        lambda h, *_: module.negative_log_likelihood(h, targets[:2, :2]), (h, *module.parameters())
    )


@pytest.mark.parametrize("name", UNITS)
def test_samples_have_the_mean_of_the_distribution(name: str) -> None:
    module, targets = in_double(name)
    torch.manual_seed(2)
    distribution = module.distribution(features())
    samples = distribution.sample((4000,)).detach()
    assert samples.shape == (4000, *targets.shape)
    if name == "softmax_multinoulli":
        frequencies = nn.functional.one_hot(samples, 3).double().mean(0)
        torch.testing.assert_close(frequencies, distribution.probs.detach(), rtol=0, atol=0.05)
    else:
        margin = 5 * distribution.variance.detach().sqrt() / math.sqrt(4000)
        assert ((samples.mean(0) - distribution.mean.detach()).abs() < margin).all()


@pytest.mark.parametrize("name", UNITS)
def test_training_mode_makes_no_difference_and_state_can_be_loaded(name: str) -> None:
    module, targets = in_double(name)
    cost = module.negative_log_likelihood(features(), targets)
    assert torch.equal(module.eval().negative_log_likelihood(features(), targets), cost)
    fresh = units()[name][0].double()
    for parameter in fresh.parameters():
        nn.init.normal_(parameter)
    fresh.load_state_dict(module.train().state_dict())
    assert torch.equal(fresh.negative_log_likelihood(features(), targets), cost)


def test_a_gaussian_of_variance_1_costs_half_the_squared_error() -> None:
    module, targets = LinearGaussian(4, 2).double(), torch.randn(3, 5, 2).double()
    squared = (targets - features() @ module.weight.T - module.bias).square().sum(-1)
    expected = squared / 2 + math.log(2 * math.pi)
    torch.testing.assert_close(module.negative_log_likelihood(features(), targets), expected)


def test_a_given_variance_is_no_parameter_and_a_learned_one_is() -> None:
    given, learned = LinearGaussian(4, 2, variance=0.25), HomoscedasticGaussian(4, 2, variance=0.25)
    assert {name for name, _ in given.named_parameters()} == {"weight", "bias"}
    assert {name for name, _ in learned.named_parameters()} == {"weight", "bias", "log_precision"}
    for module in (given, learned):
        torch.testing.assert_close(module.distribution(torch.randn(3, 4)).variance, torch.full((3, 2), 0.25))


def test_a_learned_variance_becomes_the_mean_squared_error() -> None:
    torch.manual_seed(0)
    module = HomoscedasticGaussian(1, 2).double()
    h = torch.randn(200, 1, dtype=torch.float64)
    targets = torch.cat([2 * h, -h], 1) + torch.randn(200, 2).double() * torch.tensor([0.1, 3.0])
    optimizer = torch.optim.LBFGS(module.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        cost = module.negative_log_likelihood(h, targets).mean()
        cost.backward()
        return cost

    optimizer.step(closure)
    errors = (targets - module(h)).square().mean(0).detach()
    torch.testing.assert_close((-module.log_precision).exp().detach(), errors, rtol=1e-3, atol=0)


@pytest.mark.parametrize("variance", [0.0, -1.0, math.nan, torch.tensor([1.0, 0.0])])
def test_a_variance_that_is_not_positive_is_refused(variance: float | Tensor) -> None:
    with pytest.raises(ValueError, match="variances above 0; got"):
        LinearGaussian(4, 2, variance=variance)


def test_the_cost_of_a_sigmoid_is_the_softplus_of_the_lecture() -> None:
    module = SigmoidBernoulli(4, 1).double()
    z = module(features())
    for y in (0, 1):
        cost = module.negative_log_likelihood(features(), torch.full((3, 5, 1), y))
        torch.testing.assert_close(cost, torch.log1p(((1 - 2 * y) * z).exp()).squeeze(-1))


def test_the_cost_of_a_softmax_is_equation_6_30() -> None:
    module = SoftmaxMultinoulli(4, 3).double()
    z = module(features())
    expected = z.exp().sum(-1).log() - z[..., 1]
    torch.testing.assert_close(module.negative_log_likelihood(features(), torch.ones(3, 5).long()), expected)


@pytest.mark.parametrize(
    "name", ["linear_gaussian", "sigmoid_bernoulli", "heteroscedastic_gaussian", "mixture_density"]
)
def test_targets_that_would_be_broadcast_are_refused(name: str) -> None:
    module, targets = in_double(name)
    with pytest.raises(ValueError, match=r"targets have shape \[3, 5\] and the outputs \[3, 5, 2\].*unsqueeze"):
        module.negative_log_likelihood(features(), targets[..., 0])


def test_one_class_number_per_example_is_needed() -> None:
    with pytest.raises(ValueError, match=r"shape \[3\] and the logits \[3, 5, 2\]; one class number .* \[3, 5\]"):
        SoftmaxMultinoulli(4, 2).negative_log_likelihood(features(torch.float32), torch.zeros(3).long())


def test_a_single_class_is_refused() -> None:
    with pytest.raises(ValueError, match="2 or more classes; got 1"):
        SoftmaxMultinoulli(4, 1)


def test_a_mixture_without_components_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 component; got 0"):
        MixtureDensity(4, 1, components=0)
