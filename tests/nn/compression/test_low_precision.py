"""Weights in int8 and bfloat16: the rounding written out, its bound, and the sizes."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from shinso.nn.compression import (
    quantize_dynamically,
    quantize_weights,
    round_to_int8,
    state_bytes,
    store_as_bfloat16,
    with_plain_weights,
)

LAYERS = {
    "linear": (lambda: nn.Linear(6, 4), (5, 6)),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3, groups=2), (2, 4, 8)),
    "conv2d": (lambda: nn.Conv2d(3, 4, 3, padding=1), (2, 3, 5, 5)),
    "conv3d": (lambda: nn.Conv3d(2, 3, 2), (1, 2, 3, 3, 3)),
    "transposed": (lambda: nn.ConvTranspose2d(3, 4, 2), (2, 3, 4, 4)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_integers_times_scales(name: str) -> None:
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer = make().double()
    stored = quantize_weights(layer)
    axis = 1 if name == "transposed" else 0
    own = stored.parametrizations.weight[0]
    assert own.integers.dtype == torch.int8
    for before, integers, after in zip(
        layer.weight.unbind(axis), own.integers.unbind(axis), stored.weight.unbind(axis), strict=True
    ):
        scale = before.abs().max() / 127
        assert int(integers.abs().max()) == 127
        torch.testing.assert_close(after, integers * scale, rtol=0, atol=0)
        assert (after - before).abs().max() <= scale / 2 * (1 + 1e-12)
    x = torch.randn(shape, dtype=torch.float64)
    plain = with_plain_weights(stored)
    assert type(plain) is type(layer)
    torch.testing.assert_close(plain(x), stored(x), rtol=0, atol=0)


def test_weights_that_are_such_multiples_are_exact_and_zeros_stay() -> None:
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[127.0, -3.0, 0.0], [0.0, 0.0, 0.0]]) / 4)
    torch.testing.assert_close(quantize_weights(layer).weight, layer.weight, rtol=0, atol=0)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 64)
    ).eval()


def test_sizes() -> None:
    net = network()
    weights, biases, norm = 32 * 27 + 512 * 64, 32 + 64, 4 * 32
    assert state_bytes(net) == 4 * (weights + biases + norm) + 8
    assert state_bytes(quantize_weights(net)) == weights + 4 * (32 + 64) + 4 * (biases + norm) + 8
    assert state_bytes(store_as_bfloat16(net)) == 2 * weights + 4 * (biases + norm) + 8


def relative_error(one: nn.Module, other: nn.Module) -> float:
    x = torch.randn(8, 3, 10, 10, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        return float((one(x) - other(x)).norm() / other(x).norm())


def test_errors_are_small_and_ordered_by_what_is_rounded() -> None:
    net = network()
    int8, dynamic, bfloat16 = quantize_weights(net), quantize_dynamically(net), store_as_bfloat16(net)
    assert 1e-4 < relative_error(bfloat16, net) < relative_error(int8, net) < relative_error(dynamic, net) < 0.03


def test_dynamic_products_are_integer_products() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(40, 5, bias=False).double()
    x = torch.randn(3, 40, dtype=torch.float64)
    dynamic = quantize_dynamically(layer)
    own = dynamic.parametrizations.weight[0]
    x_scale = x.abs().amax(1, keepdim=True) / 127
    product = (x / x_scale).round().to(torch.int32) @ own.integers.to(torch.int32).T
    scale = x_scale * dynamic.parametrizations.weight.original.T
    torch.testing.assert_close(dynamic(x), product * scale, rtol=1e-12, atol=1e-12)


def test_rounding_an_example_does_not_depend_on_the_others() -> None:
    x = torch.randn(4, 3, 2) * torch.tensor([1.0, 100.0, 0.01, 0.0])[:, None, None]
    rounded = round_to_int8(x)
    for one, whole in zip(x, rounded, strict=True):
        torch.testing.assert_close(round_to_int8(one[None])[0], whole, rtol=0, atol=0)
    assert (rounded - x).abs().flatten(1).amax(1).le(x.abs().flatten(1).amax(1) / 254 * (1 + 1e-5)).all()
    assert len(round_to_int8(torch.rand(1, 10_000) - 0.5).unique()) > 200


def test_bfloat16_is_torchs_rounding_in_the_network_s_type() -> None:
    net = network()
    stored = store_as_bfloat16(net)
    assert stored[5].weight.dtype == torch.float32
    torch.testing.assert_close(stored[5].weight, net[5].weight.bfloat16().float(), rtol=0, atol=0)
    assert stored.state_dict()["5.parametrizations.weight.original0"].dtype == torch.bfloat16


@pytest.mark.parametrize("store", [quantize_weights, quantize_dynamically, store_as_bfloat16])
def test_the_network_itself_stays(store: object) -> None:
    net = network()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    stored = store(net)  # type: ignore[operator]
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in before.items())
    x = torch.randn(2, 3, 10, 10)
    again = copy.deepcopy(stored)
    plain = with_plain_weights(stored)
    assert set(plain.state_dict()) == set(before)
    torch.testing.assert_close(plain(x), stored(x), rtol=0, atol=0)
    torch.testing.assert_close(again(x), stored(x), rtol=0, atol=0)


def test_a_stored_network_loads_from_its_state() -> None:
    net = network()
    other = nn.Sequential(*(copy.deepcopy(layer) for layer in net))
    for parameter in other.parameters():
        nn.init.normal_(parameter)
    one, two = quantize_weights(net), quantize_weights(other)
    two.load_state_dict(one.state_dict())
    assert relative_error(two, one) == 0


def test_layers_with_a_parametrization_stay() -> None:
    layer = parametrizations.weight_norm(nn.Linear(3, 2))
    stored = quantize_weights(layer)
    torch.testing.assert_close(stored.weight, layer.weight, rtol=0, atol=0)
    plain = with_plain_weights(layer)
    assert type(plain) is nn.Linear
    torch.testing.assert_close(plain.weight, layer.weight, rtol=0, atol=0)


def test_layers_that_share_a_weight_each_keep_its_value() -> None:
    one, two = nn.Linear(3, 3), nn.Linear(3, 3)
    two.weight = one.weight
    net = nn.Sequential(one, two)
    for store in (quantize_weights, store_as_bfloat16):
        stored = store(net)
        torch.testing.assert_close(stored[0].weight, one.weight, rtol=0, atol=0.01)
        torch.testing.assert_close(stored[1].weight, stored[0].weight, rtol=0, atol=0)
    assert net[0].weight is net[1].weight


def test_tiny_values_in_16_bits() -> None:
    for largest in (1e-5, 1e-6):
        x = torch.tensor([[largest, -largest, 0.0]], dtype=torch.float16)
        assert (round_to_int8(x) - x).abs().max() <= 1e-5
        layer = nn.Linear(3, 1).half()
        layer.weight = nn.Parameter(x)
        assert (quantize_weights(layer).weight - x).abs().max() <= 1e-5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits_do_not_overflow_int8(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(8, 500).to(dtype)
    stored = quantize_weights(layer)
    integers = stored.parametrizations.weight[0].integers
    assert int(integers.min()) >= -127
    torch.testing.assert_close(stored.weight.float(), layer.weight.float(), rtol=0.01, atol=0.003)
    assert stored.weight.dtype == round_to_int8(layer.weight).dtype == dtype


def test_weights_that_are_not_finite_are_refused() -> None:
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, torch.nan)
    with pytest.raises(ValueError, match="not finite; it has no 8-bit integers"):
        quantize_weights(layer)


def test_what_a_hook_of_the_user_s_sees_is_rounded_input() -> None:
    seen: list[Tensor] = []
    dynamic = quantize_dynamically(nn.Linear(3, 2))
    dynamic.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    x = torch.tensor([[1.0, 0.5, 0.1]])
    dynamic(x)
    torch.testing.assert_close(seen[0], torch.tensor([[127.0, 64.0, 13.0]]) / 127)
