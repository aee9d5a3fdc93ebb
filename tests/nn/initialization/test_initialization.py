"""Fans against counting, and each rule against its variance and torch's where torch counts right."""

import math
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from shinso.nn.initialization import (
    constant_biases,
    fans,
    he_normal,
    he_normal_by_fan_out,
    he_uniform,
    initialize,
    lecun_normal,
    lecun_uniform,
    small_random,
    xavier_normal,
    xavier_uniform,
)

LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(6, 4), (6,)),
    "convolution of 1 dimension": (lambda: nn.Conv1d(6, 4, 3, padding=1), (6, 8)),
    "of 2 dimensions": (lambda: nn.Conv2d(6, 4, (3, 5), padding=(1, 2)), (6, 8, 8)),
    "of 3 dimensions": (lambda: nn.Conv3d(2, 4, (1, 3, 3), padding=(0, 1, 1)), (2, 3, 8, 8)),
    "in groups": (lambda: nn.Conv2d(6, 9, 3, padding=1, groups=3), (6, 8, 8)),
    "depthwise": (lambda: nn.Conv2d(6, 6, 3, padding=1, groups=6), (6, 8, 8)),
    "dilated": (lambda: nn.Conv1d(3, 4, 3, dilation=2, padding=2), (3, 12)),
    "transposed of 1 dimension": (lambda: nn.ConvTranspose1d(6, 4, 3, padding=1), (6, 8)),
    "transposed with stride": (lambda: nn.ConvTranspose2d(6, 4, 4, stride=2, padding=1), (6, 8, 8)),
    "transposed in groups": (lambda: nn.ConvTranspose2d(6, 9, 3, padding=1, groups=3), (6, 8, 8)),
    "transposed of 3 dimensions": (lambda: nn.ConvTranspose3d(2, 3, 2, stride=2), (2, 3, 3, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_fans_are_the_numbers_of_terms_away_from_borders(name: str) -> None:
    make, shape = LAYERS[name]
    layer = make()
    jacobian = torch.func.jacrev(layer)(torch.randn(shape)) != 0
    outputs, inputs = layer(torch.randn(shape)).dim(), len(shape)
    by_output = jacobian.flatten(outputs).sum(-1)
    by_input = jacobian.flatten(0, outputs - 1).sum(0)
    assert fans(layer).fan_in == by_output.max()
    if inputs > 1:
        # Where there are borders, they have fewer terms; the middle has all.
        assert fans(layer).fan_out == by_input.max()
    else:
        assert fans(layer).fan_out == by_input.max() == layer.out_features


@pytest.mark.parametrize("name", LAYERS)
def test_lecun_keeps_the_variance_of_every_kind_of_layer(name: str) -> None:
    make, shape = LAYERS[name]
    torch.manual_seed(0)
    variances = []
    for _ in range(60):
        layer = initialize(make(), lecun_normal)
        output = layer(torch.randn(8, *shape)).detach()
        middle = output[(..., *(slice(2, -2) if size > 5 else slice(None) for size in output.shape[2:]))]
        variances.append(middle.var().item())
    assert sum(variances) / len(variances) == pytest.approx(1, rel=0.12)


RULES = {
    "small_random": (small_random, lambda fan_in, fan_out: 1e-4),
    "small_random of std 0.05": (partial(small_random, std=0.05), lambda fan_in, fan_out: 0.05**2),
    "xavier_normal": (xavier_normal, lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "xavier_uniform": (xavier_uniform, lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "xavier for tanh": (partial(xavier_normal, gain=5 / 3), lambda fan_in, fan_out: 50 / 9 / (fan_in + fan_out)),
    "he_normal": (he_normal, lambda fan_in, fan_out: 2 / fan_in),
    "he_uniform": (he_uniform, lambda fan_in, fan_out: 2 / fan_in),
    "he for leaky": (partial(he_uniform, negative_slope=0.5), lambda fan_in, fan_out: 2 / 1.25 / fan_in),
    "he_normal_by_fan_out": (he_normal_by_fan_out, lambda fan_in, fan_out: 2 / fan_out),
    "lecun_normal": (lecun_normal, lambda fan_in, fan_out: 1 / fan_in),
    "lecun_uniform": (lecun_uniform, lambda fan_in, fan_out: 1 / fan_in),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    ("layer", "fan_in", "fan_out"),
    [
        (nn.Linear(300, 200), 300, 200),
        (nn.Conv2d(64, 32, 5), 64 * 25, 32 * 25),
        (nn.Conv2d(64, 128, 5, groups=4), 16 * 25, 32 * 25),
        (nn.ConvTranspose2d(64, 32, 4, stride=2), 64 * 16 / 4, 32 * 16),
    ],
)
def test_weights_have_mean_0_and_the_variance_of_the_rule(name: str, layer, fan_in: float, fan_out: float) -> None:
    rule, variance = RULES[name]
    torch.manual_seed(0)
    rule(layer)
    expected, count = variance(fan_in, fan_out), layer.weight.numel()
    weight = layer.weight.detach().double()
    assert abs(weight.mean()) < 5 * math.sqrt(expected / count)
    assert weight.var() == pytest.approx(expected, rel=5 * math.sqrt(2 / count))
    # A uniform distribution ends at √3 standard deviations, a normal one does not.
    bound = 1.0001 * math.sqrt(3 * expected)
    assert (weight.abs().max() <= bound) == ("uniform" in name or "leaky" in name)


@pytest.mark.parametrize(
    ("rule", "of_torch"),
    [
        (xavier_uniform, nn.init.xavier_uniform_),
        (xavier_normal, nn.init.xavier_normal_),
        (he_normal, partial(nn.init.kaiming_normal_, nonlinearity="relu")),
        (he_uniform, partial(nn.init.kaiming_uniform_, nonlinearity="relu")),
        (he_normal_by_fan_out, partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu")),
        (lecun_uniform, partial(nn.init.kaiming_uniform_, nonlinearity="linear")),
    ],
)
@pytest.mark.parametrize("make", [lambda: nn.Linear(7, 5), lambda: nn.Conv2d(4, 6, 3, stride=2)])
def test_without_groups_weights_are_those_of_torch_bit_for_bit(rule, of_torch, make) -> None:
    layer = make()
    torch.manual_seed(3)
    rule(layer)
    ours = layer.weight.detach().clone()
    torch.manual_seed(3)
    of_torch(layer.weight)
    assert torch.equal(ours, layer.weight)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=4), nn.Flatten(), nn.Linear(8, 5)
    )


def test_over_a_network_layers_are_filled_in_order_those_in_groups_by_the_fan_in_of_one() -> None:
    model = network()
    torch.manual_seed(5)
    expected = [nn.init.kaiming_normal_(torch.empty_like(model[i].weight), nonlinearity="relu") for i in (0, 2, 4)]
    torch.manual_seed(5)
    assert initialize(model, he_normal) is model
    assert all(torch.equal(model[i].weight, weight) for i, weight in zip((0, 2, 4), expected, strict=True))


def test_biases_are_0_or_what_was_asked_for_and_normalisation_is_left_alone() -> None:
    model = network()
    nn.init.constant_(model[1].bias, 7.0)
    initialize(model, lecun_normal)
    assert all((model[i].bias == 0).all() for i in (0, 2, 4))
    initialize(model, lecun_normal, biases=0.1)
    assert all((model[i].bias == 0.1).all() for i in (0, 2, 4))
    assert (model[1].bias == 7).all()
    weights = model[4].weight.clone()
    assert constant_biases(model) is model
    constant_biases(model, 0.3)
    assert (model[4].bias == 0.3).all()
    assert torch.equal(model[4].weight, weights)


def test_a_positive_bias_lets_most_rectified_units_begin_active() -> None:
    torch.manual_seed(0)
    x = torch.rand(100, 20)
    active = [(initialize(nn.Linear(20, 200), small_random, biases=bias)(x) > 0).float().mean() for bias in (0.0, 0.1)]
    assert 0.3 < active[0] < 0.7
    assert active[1] > 0.95


def test_a_layer_without_bias_and_a_layer_by_itself() -> None:
    layer = nn.Linear(3, 2, bias=False)
    assert initialize(layer, small_random, biases=0.1) is layer


def test_a_generator_alone_decides() -> None:
    first, second = nn.Linear(4, 4), nn.Linear(4, 4)
    for layer in (first, second):
        torch.rand(3)
        he_normal(layer, generator=torch.Generator().manual_seed(1))
    assert torch.equal(first.weight, second.weight)


def test_a_rule_of_ones_own() -> None:
    model = initialize(network(), lambda layer: nn.init.orthogonal_(layer.weight))
    torch.testing.assert_close(model[4].weight @ model[4].weight.T, torch.eye(5))


def test_a_network_without_layers_is_refused() -> None:
    for function in (constant_biases, partial(initialize, weights=he_normal)):
        with pytest.raises(ValueError, match="ReLU has no linear or convolutional layer"):
            function(nn.ReLU())


def test_a_lazy_layer_is_refused_before_any_weight_is_changed() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.LazyLinear(2))
    weight = model[0].weight.clone()
    with pytest.raises(ValueError, match=r"layer '1' is lazy .* run the network once"):
        initialize(model, he_normal)
    assert torch.equal(model[0].weight, weight)


def test_a_parametrised_weight_is_refused() -> None:
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 4))
    with pytest.raises(ValueError, match=r"the weight of .*Linear is computed from other parameters.* before"):
        initialize(layer, he_normal)
