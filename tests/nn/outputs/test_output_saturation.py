"""Output units at extreme features: finite costs, and gradients that say which way to go (lecture 004 section 6.2)."""

import math

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.outputs import HeteroscedasticGaussian, MixtureDensity, SigmoidBernoulli, SoftmaxMultinoulli
from shinso.nn.outputs._softplus import log_softplus

EXTREMES = (-1e4, -1e3, -100.0, 100.0, 1e3, 1e4)


def identity_layer(module: nn.Linear) -> nn.Linear:
    """With the features for its outputs."""
    nn.init.eye_(module.weight)
    nn.init.zeros_(module.bias)
    return module


@pytest.mark.parametrize("logit", EXTREMES)
@pytest.mark.parametrize("target", [0, 1])
def test_sigmoid_bernoulli(logit: float, target: int) -> None:
    module = identity_layer(SigmoidBernoulli(1, 1))
    z = torch.tensor([[logit]], requires_grad=True)
    cost = module.negative_log_likelihood(z, torch.tensor([[target]]))
    wrong = (logit > 0) != bool(target)
    assert cost.item() == pytest.approx(abs(logit) if wrong else 0.0)
    assert torch.autograd.grad(cost, z)[0].item() == pytest.approx(float(logit > 0) - target)


@pytest.mark.parametrize("logit", EXTREMES)
@pytest.mark.parametrize("target", [0, 1])
def test_softmax_multinoulli(logit: float, target: int) -> None:
    module = identity_layer(SoftmaxMultinoulli(2, 2))
    z = torch.tensor([[logit, 0.0]], requires_grad=True)
    cost = module.negative_log_likelihood(z, torch.tensor([target]))
    chosen = 0 if logit > 0 else 1
    assert cost.item() == pytest.approx(0.0 if chosen == target else abs(logit))
    expected = [float(chosen == i) - float(target == i) for i in range(2)]
    assert torch.autograd.grad(cost, z)[0].tolist() == [pytest.approx(expected)]


@pytest.mark.parametrize("a", EXTREMES)
def test_heteroscedastic_gaussian(a: float) -> None:
    module = HeteroscedasticGaussian(1, 1)
    identity_layer(module.precision)
    nn.init.zeros_(module.mean.weight)
    nn.init.zeros_(module.mean.bias)
    features = torch.tensor([[a]], requires_grad=True)
    cost = module.negative_log_likelihood(features, torch.tensor([[3.0]]))
    # A precision of softplus(a): a for large a, with logarithm a where a is far below 0.
    precision, log_precision = max(a, 0.0), math.log(a) if a > 0 else a
    assert cost.item() == pytest.approx((9 * precision - log_precision + math.log(2 * math.pi)) / 2, rel=1e-5)
    slope = (9 - 1 / a) / 2 if a > 0 else -0.5
    assert torch.autograd.grad(cost, features)[0].item() == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4])
def test_mixture_density(scale: float) -> None:
    torch.manual_seed(0)
    module = MixtureDensity(3, 2, components=4)
    features = (scale * torch.randn(50, 3)).requires_grad_()
    costs = module.negative_log_likelihood(features, torch.randn(50, 2))
    gradients = torch.autograd.grad(costs.sum(), [features, *module.parameters()])
    assert costs.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert (gradients[0].abs().sum(1) > 0).all()
    exact = module.double().negative_log_likelihood(features.double(), torch.zeros(50, 2).double())
    in_single = module.float().negative_log_likelihood(features, torch.zeros(50, 2))
    torch.testing.assert_close(in_single, exact.float(), rtol=1e-3, atol=1e-3)


def test_the_logarithm_of_softplus_and_its_gradient() -> None:
    x = torch.tensor([-1e4, -100.0, -31.0, -30.0, -29.0, -1.0, 0.0, 1.0, 50.0, 1e4]).double().requires_grad_()
    expected = [v if v < -40 else math.log(math.log1p(math.exp(v)) if v < 40 else v) for v in x.tolist()]
    torch.testing.assert_close(log_softplus(x).tolist(), expected)
    pairs = zip(x.tolist(), expected, strict=True)
    slopes = [1.0 if v < -40 else 1 / ((1 + math.exp(-v)) * math.exp(e)) for v, e in pairs]
    torch.testing.assert_close(torch.autograd.grad(log_softplus(x).sum(), x)[0].tolist(), slopes)


def test_squared_error_on_a_sigmoid_stops_learning_where_it_is_most_wrong() -> None:
    """Lecture 004 section 6.2.1: the logarithm undoes the exponential that makes the sigmoid flat."""
    module = identity_layer(SigmoidBernoulli(1, 1)).double()
    z = torch.tensor([[-20.0], [-10.0], [-2.0], [0.0]], dtype=torch.float64, requires_grad=True)
    sigmoid = z.detach().sigmoid()

    def gradient(cost: Tensor) -> Tensor:
        return torch.autograd.grad(cost, z)[0]

    by_likelihood = gradient(module.negative_log_likelihood(z, torch.ones(4, 1)).sum())
    by_squares = gradient((z.sigmoid() - 1).square().sum())
    torch.testing.assert_close(by_likelihood, sigmoid - 1)
    torch.testing.assert_close(by_squares, 2 * (sigmoid - 1) * sigmoid * (1 - sigmoid))
    assert by_likelihood[0].abs() > 0.99
    assert by_squares[0].abs() < 1e-8
    assert by_squares.abs().argmin() == by_likelihood.abs().argmax() == 0
