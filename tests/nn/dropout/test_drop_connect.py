"""DropConnect against all its masks, enumerated."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.dropout import DropConnectLinear, DropConnectSampling, drop_connect_moments


def outputs_of_every_mask(layer: DropConnectLinear, x: Tensor) -> list[tuple[Tensor, float]]:
    """The outputs with each possible mask of the layer's weights and biases, and their probabilities."""
    parameters = [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
    sizes = [parameter.numel() for parameter in parameters]
    found = []
    for bits in itertools.product((0.0, 1.0), repeat=sum(sizes)):
        parts = torch.tensor(bits, dtype=torch.float64).split(sizes)
        masked = [p.detach() * part.reshape(p.shape) for p, part in zip(parameters, parts, strict=True)]
        found.append((nn.functional.linear(x, *masked), math.prod(1 - layer.p if bit else layer.p for bit in bits)))
    return found


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("p", [0.5, 0.2])
def test_moments_are_those_over_all_masks(p: float, bias: bool) -> None:
    torch.manual_seed(0)
    layer = DropConnectLinear(3, 2, bias, p=p).double()
    x = torch.randn(4, 3, dtype=torch.float64)
    every = outputs_of_every_mask(layer, x)
    mean = sum(probability * output for output, probability in every)
    variance = sum(probability * (output - mean) ** 2 for output, probability in every)
    moments = drop_connect_moments(layer, x)
    torch.testing.assert_close(moments.mean, mean, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(moments.variance, variance, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(layer.eval()(x), mean, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_training_draws_each_mask_as_often_as_it_should(bias: bool) -> None:
    torch.manual_seed(0)
    layer = DropConnectLinear(2, 1, bias, p=0.3).double()
    x = torch.randn(1, 2, dtype=torch.float64)
    drawn = layer(x.expand(40_000, 2)).flatten()
    for output, probability in outputs_of_every_mask(layer, x):
        share = (drawn - output.flatten()).abs().lt(1e-12).double().mean()
        assert float(share) == pytest.approx(probability, abs=0.01)


def test_each_example_and_each_output_has_a_mask_of_its_own() -> None:
    torch.manual_seed(0)
    layer = DropConnectLinear(30, 4, p=0.5)
    drawn = layer(torch.ones(2, 3, 30))
    assert drawn.shape == (2, 3, 4)
    assert len(drawn.reshape(6, 4).unique(dim=0)) == 6
    nn.init.ones_(layer.weight)
    nn.init.zeros_(layer.bias)
    assert len(layer(torch.ones(1, 30)).unique()) > 1


def test_a_dropped_weight_gets_no_derivative() -> None:
    torch.manual_seed(0)
    layer = DropConnectLinear(50, 1, bias=False, p=0.5)
    nn.init.constant_(layer.weight, 2.0)
    output = layer(torch.ones(1, 50))
    output.sum().backward()
    assert int(layer.weight.grad.sum()) == int(output) // 2
    assert set(layer.weight.grad.unique().tolist()) == {0.0, 1.0}


def test_nothing_dropped_is_a_linear_layer() -> None:
    layer = DropConnectLinear(3, 2, p=0.0)
    x = torch.randn(5, 3)
    expected = nn.functional.linear(x, layer.weight, layer.bias)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.eval()(x), expected)
    assert set(layer.state_dict()) == {"weight", "bias"}


def test_sampling_approaches_the_mean_of_the_activation_under_the_normal_distribution() -> None:
    torch.manual_seed(0)
    layer = DropConnectLinear(20, 3).double()
    sampled = DropConnectSampling(layer, torch.relu, num_samples=200_000).eval()
    x = torch.randn(2, 20, dtype=torch.float64)
    mean, variance = drop_connect_moments(layer, x)
    normal = torch.distributions.Normal(0.0, 1.0)
    z = mean / variance.sqrt()
    exact = mean * normal.cdf(z) + variance.sqrt() * normal.log_prob(z).exp()
    torch.testing.assert_close(sampled(x), exact, rtol=0, atol=5e-3)
    assert (exact - layer.eval()(x).relu()).abs().max() > 0.02


def test_sampling_trains_as_the_layer_and_follows_the_seed() -> None:
    layer = DropConnectLinear(4, 3)
    module = DropConnectSampling(layer, nn.Tanh(), num_samples=5)
    x = torch.randn(2, 4)
    torch.manual_seed(3)
    y = module(x)
    torch.manual_seed(3)
    torch.testing.assert_close(y, layer(x).tanh())
    module.eval()
    assert not torch.equal(module(x), module(x))
    torch.manual_seed(4)
    first = module(x)
    torch.manual_seed(4)
    assert torch.equal(module(x), first)
    assert first.shape == (2, 3)


def test_derivatives_are_finite_where_nothing_varies() -> None:
    x = torch.zeros(1, 3, requires_grad=True)
    DropConnectSampling(DropConnectLinear(3, 2, bias=False), nn.Tanh(), 5).eval()(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_derivatives_of_evaluation() -> None:
    torch.manual_seed(0)
    layer = DropConnectLinear(3, 2).double()
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: tuple(drop_connect_moments(layer, x)), x)


def test_it_says_what_it_is() -> None:
    layer = DropConnectLinear(3, 2, p=0.25)
    assert repr(layer) == "DropConnectLinear(in_features=3, out_features=2, bias=True, p=0.25)"
    assert "num_samples=7" in repr(DropConnectSampling(layer, torch.relu, 7))


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"from 0 to 1; got 1\.5"):
        DropConnectLinear(3, 2, p=1.5)
    with pytest.raises(ValueError, match="num_samples must be at least 1; got 0"):
        DropConnectSampling(DropConnectLinear(3, 2), torch.relu, 0)
