"""What initial weights do to the variance of activations over depth (Glorot & Bengio, 2010; He et al., 2015)."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.initialization import (
    activation_variance_by_depth,
    he_normal,
    initialize,
    small_random,
    xavier_normal,
    xavier_uniform,
)

DEPTH, WIDTH = 20, 256


def variances(activation: type[nn.Module], rule, scale: float = 1.0) -> Tensor:
    """After each of the 20 activations."""
    torch.manual_seed(0)
    layers = [layer for _ in range(DEPTH) for layer in (nn.Linear(WIDTH, WIDTH), activation())]
    by_layer = activation_variance_by_depth(initialize(nn.Sequential(*layers), rule), scale * torch.randn(512, WIDTH))
    assert list(by_layer) == [str(number) for number in range(2 * DEPTH)]
    return torch.stack(list(by_layer.values()))[1::2]


@pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])
def test_small_random_weights_let_activations_vanish_geometrically(activation: type[nn.Module]) -> None:
    v = variances(activation, small_random)
    # Of a linear layer: 256 · 0.01² = 0.0256; a ReLU halves the mean square.
    expected = 0.0256 if activation is nn.Tanh else 0.0128
    assert v[-1] < 1e-28
    torch.testing.assert_close((v[10] / v[2]) ** (1 / 8), torch.tensor(expected), rtol=0.1, atol=0)


@pytest.mark.parametrize("rule", [xavier_normal, xavier_uniform])
def test_xavier_keeps_the_variance_of_tanh_near_0_where_it_is_linear(rule) -> None:
    v = variances(nn.Tanh, rule, scale=0.05)
    assert 0.7 < v[-1] / v[0] < 1.3


def test_xavier_with_the_gain_of_tanh_keeps_its_variance_at_full_scale() -> None:
    v = variances(nn.Tanh, partial(xavier_normal, gain=5 / 3))
    assert 0.7 < v[-1] / v[0] < 1.1
    assert 0.95 < v[-1] / v[10] < 1.05


def test_he_keeps_the_variance_of_relu_where_xavier_halves_it() -> None:
    v = variances(nn.ReLU, he_normal)
    assert 0.5 < v[-1] / v[0] < 2
    by_xavier = variances(nn.ReLU, xavier_normal)
    torch.testing.assert_close((by_xavier[-1] / by_xavier[0]) ** (1 / 19), torch.tensor(0.5), rtol=0.05, atol=0)


def test_he_with_the_slope_keeps_the_variance_of_a_leaky_relu() -> None:
    v = variances(partial(nn.LeakyReLU, 0.5), partial(he_normal, negative_slope=0.5))
    assert 0.5 < v[-1] / v[0] < 2


class Shared(nn.Module):
    """Calls one layer twice, and one that gives integers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.classes = Classes()

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.layer(self.layer(x)))


class Classes(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.argmax(-1)


def test_each_call_of_a_layer_counts_and_integers_are_left_out() -> None:
    model, x = Shared(), torch.randn(5, 3)
    once, twice = model.layer(x).detach(), model.layer(model.layer(x)).detach()
    by_layer = activation_variance_by_depth(model, x)
    assert list(by_layer) == ["layer", "layer (2)"]
    torch.testing.assert_close(by_layer["layer"], ((once - once.mean()) ** 2).mean())
    torch.testing.assert_close(by_layer["layer (2)"], ((twice - twice.mean()) ** 2).mean())


def test_a_layer_that_works_in_place_does_not_change_the_one_before() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 50), nn.ReLU(inplace=True)), torch.randn(200, 3)
    output = model[0](x)
    by_layer = activation_variance_by_depth(model, x)
    torch.testing.assert_close(by_layer["0"], output.var(correction=0).detach())
    torch.testing.assert_close(by_layer["1"], output.relu().var(correction=0).detach())


def test_half_precision_does_not_overflow() -> None:
    model = nn.Sequential(nn.Identity()).half()
    x = torch.tensor([[-1000.0], [1000.0]], dtype=torch.float16)
    assert activation_variance_by_depth(model, x)["0"].item() == 1e6


@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_changed(training: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2)).train(training)
    model[0].weight.grad = torch.ones(4, 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random_state = torch.random.get_rng_state()
    by_layer = activation_variance_by_depth(model, torch.randn(16, 3, generator=torch.Generator().manual_seed(1)))
    assert list(by_layer) == ["0", "1", "2", "3"]
    assert not by_layer["3"].requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert model.training == training
    assert torch.equal(model[0].weight.grad, torch.ones(4, 3))
    assert not any(module._forward_hooks for module in model.modules())


def test_hooks_are_removed_after_a_failure_too() -> None:
    model = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(RuntimeError):
        activation_variance_by_depth(model, torch.randn(2, 5))
    assert not model[0]._forward_hooks
