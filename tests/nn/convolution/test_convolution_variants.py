"""Tiled, dilated, grouped, depthwise, separable, FFT and sparse convolution, each against its definition."""

from fractions import Fraction

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.graph import trace
from shinso.nn.convolution import (
    PARTS,
    DepthwiseSeparableConv2d,
    FFTConv2d,
    SparseConv2d,
    TiledConv2d,
    conv2d_by_definition,
    conv_weights,
    depthwise_conv2d,
    depthwise_separable_ratio,
    depthwise_separable_weights,
    fft_conv2d,
    insert_zeros,
    prune_conv2d,
    sparse_conv2d,
    tiled_conv2d,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-11, atol=1e-11)


sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
paddings = st.tuples(st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=60, deadline=None)
@given(sizes, pairs, pairs, pairs, paddings)
def test_a_tiled_convolution_takes_another_kernel_at_each_position(
    size: tuple[int, int],
    tile: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
) -> None:
    assume(all(n + 2 * p >= k for n, k, p in zip(size, kernel, padding, strict=True)))
    x, weight, bias = normal(2, 2, *size), normal(*tile, 3, 2, *kernel, seed=1), normal(*tile, 3, seed=2)
    output = tiled_conv2d(x, weight, bias, stride=stride, padding=padding)
    for i in range(tile[0]):
        for j in range(tile[1]):
            whole = F.conv2d(x, weight[i, j], bias[i, j], stride=stride, padding=padding)
            assert output.shape == whole.shape
            close(output[..., i :: tile[0], j :: tile[1]], whole[..., i :: tile[0], j :: tile[1]])


def test_tile_size_1_is_convolution_and_the_largest_tile_shares_nothing() -> None:
    x = normal(2, 3, 5, 4)
    single = TiledConv2d(3, 4, 2, tile_size=1, stride=2, padding=1).double()
    assert single.bias is not None
    close(single(x), F.conv2d(x, single.weight[0, 0], single.bias[0, 0], stride=2, padding=1))
    local = TiledConv2d(3, 4, 2, tile_size=(4, 3), bias=False).double()
    patches = F.unfold(x, 2).unflatten(1, (3, 2, 2)).unflatten(-1, (4, 3))
    close(local(x), torch.einsum("ncabij,ijocab->noij", patches, local.weight))


def test_a_tiled_convolution_costs_what_a_convolution_costs() -> None:
    x = torch.zeros(1, 3, 9, 9)
    tiled = trace(TiledConv2d(3, 4, 2, tile_size=2, bias=False), x).cost()
    assert tiled.macs == trace(nn.Conv2d(3, 4, 2, bias=False), x).cost().macs
    assert tiled.parameters == 4 * 3 * 4 * 2 * 2


def test_tiled_weights_start_as_torchs() -> None:
    torch.manual_seed(0)
    layer = TiledConv2d(8, 16, 5, tile_size=2)
    reference = nn.Conv2d(8, 16, 5)
    for ours, theirs in ((layer.weight, reference.weight), (layer.bias, reference.bias)):
        assert ours is not None
        assert theirs is not None
        assert ours.abs().max() <= 1 / (8 * 25) ** 0.5
        assert ours.detach().abs().max().item() == pytest.approx(theirs.detach().abs().max().item(), rel=0.1)


@pytest.mark.parametrize(("name", "settings_"), [("tile_size", {"tile_size": 0}), ("stride", {"stride": (1, 0)})])
def test_tiles_and_strides_below_1_are_refused(name: str, settings_: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1 along height and width"):
        TiledConv2d(**{"in_channels": 1, "out_channels": 1, "kernel_size": 1, "tile_size": 1, **settings_})


def test_dilation_is_a_kernel_with_zeros_between_its_cells() -> None:
    x, weight = normal(2, 3, 9, 9), normal(4, 3, 3, 2, seed=1)
    close(F.conv2d(x, weight, dilation=(2, 3)), conv2d_by_definition(x, insert_zeros(weight, (2, 3))))


def test_groups_are_convolutions_side_by_side() -> None:
    x, weight = normal(2, 6, 5, 5), normal(4, 3, 2, 2, seed=1)
    halves = zip(x.chunk(2, 1), weight.chunk(2, 0), strict=True)
    close(F.conv2d(x, weight, groups=2), torch.cat([conv2d_by_definition(a, w) for a, w in halves], 1))


def test_a_depthwise_convolution_is_equation_59() -> None:
    torch.manual_seed(0)
    layer = depthwise_conv2d(3, 2, stride=2, padding=1, bias=False).double()
    x = normal(2, 3, 5, 6)
    padded, rows, columns = F.pad(x, (1, 1, 1, 1)), 3, 4
    expected = sum(
        padded[:, :, i : i + 2 * rows : 2, j : j + 2 * columns : 2] * layer.weight[:, 0, i, j, None, None]
        for i in range(2)
        for j in range(2)
    )
    close(layer(x), expected)
    assert depthwise_conv2d(3, 3, multiplier=2).weight.shape == (6, 1, 3, 3)


def test_a_separable_convolution_is_one_convolution_of_lower_rank() -> None:
    layer = DepthwiseSeparableConv2d(3, 5, 3, stride=2, padding=1).double()
    weight = layer.pointwise.weight * layer.depthwise.weight[None, :, 0]
    x = normal(2, 3, 7, 6)
    close(layer(x), F.conv2d(x, weight, layer.pointwise.bias, stride=2, padding=1))


@pytest.mark.parametrize(("channels", "out", "k"), [(4, 8, 3), (16, 5, 5)])
def test_separable_costs_are_equations_60_and_61(channels: int, out: int, k: int) -> None:
    x = torch.zeros(1, channels, 9, 9)
    separable = trace(DepthwiseSeparableConv2d(channels, out, k, padding=k // 2, bias=False), x).cost()
    ordinary = trace(nn.Conv2d(channels, out, k, padding=k // 2, bias=False), x).cost()
    assert separable.parameters == depthwise_separable_weights(channels, out, k) == k * k * channels + channels * out
    assert separable.macs == 81 * separable.parameters
    assert ordinary.parameters == conv_weights(channels, out, k)
    assert ordinary.macs == 81 * ordinary.parameters
    ratio = depthwise_separable_ratio(out, k)
    assert Fraction(separable.parameters, ordinary.parameters) == ratio == Fraction(1, out) + Fraction(1, k * k)
    assert Fraction(separable.macs, ordinary.macs) == ratio


def test_weights_of_a_bottleneck_are_equation_58() -> None:
    assert conv_weights(256, 64, 1) + conv_weights(64, 64, 3) + conv_weights(64, 256, 1) == 69632
    assert conv_weights(6, 4, (3, 1), groups=2) == nn.Conv2d(6, 4, (3, 1), groups=2, bias=False).weight.numel()
    with pytest.raises(ValueError, match="3 groups must divide the channels; got 6 in and 4 out"):
        conv_weights(6, 4, 3, groups=3)


@settings(max_examples=60, deadline=None)
@given(sizes, pairs, pairs, paddings, pairs, st.sampled_from([1, 2]))
def test_an_fft_convolution_is_the_direct_one(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    assume(all(n + 2 * p > d * (k - 1) for n, k, p, d in zip(size, kernel, padding, dilation, strict=True)))
    x, weight, bias = normal(2, 4, *size), normal(6, 4 // groups, *kernel, seed=1), normal(6, seed=2)
    arguments = (stride, padding, dilation, groups)
    close(fft_conv2d(x, weight, bias, *arguments), F.conv2d(x, weight, bias, *arguments))


def test_an_fft_layer_takes_the_state_of_a_convolution() -> None:
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)
    layer = FFTConv2d(4, 6, 3, stride=2, padding=1, groups=2)
    layer.load_state_dict(conv.state_dict())
    x = torch.randn(2, 4, 9, 8)
    torch.testing.assert_close(layer(x), conv(x))
    torch.testing.assert_close(layer(x[0]), conv(x[0]))


def test_a_sparse_convolution_is_the_one_with_its_zeros() -> None:
    x, weight, bias = normal(2, 3, 7, 6), normal(4, 3, 3, 2, seed=1), normal(4, seed=2)
    weight[weight.abs() < 0.5] = 0
    layer = SparseConv2d(weight, bias, stride=2, padding=1, dilation=(1, 2))
    expected = F.conv2d(x, weight, bias, stride=2, padding=1, dilation=(1, 2))
    close(layer(x), expected)
    close(sparse_conv2d(x, weight.flatten(1).to_sparse(), (3, 2), bias, stride=2, padding=1, dilation=(1, 2)), expected)
    assert sum(p.numel() for p in layer.parameters()) == int(weight.count_nonzero()) + 4
    assert layer.density == pytest.approx(int(weight.count_nonzero()) / weight.numel())


def test_pruning_keeps_the_largest_weights() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 4, 3, stride=2, padding=1).double()
    x = normal(2, 3, 8, 8)
    close(prune_conv2d(conv, 1.0)(x), conv(x))
    close(prune_conv2d(conv, 1.0).dense()(x), conv(x))
    assert prune_conv2d(nn.Conv2d(2, 2, 1, bias=False), 1.0).dense().bias is None
    half = prune_conv2d(conv, 0.5)
    threshold = conv.weight.detach().abs().flatten().sort().values[-54]
    kept = torch.where(conv.weight.abs() >= threshold, conv.weight, 0)
    assert half.values.numel() == 54
    close(half(x), F.conv2d(x, kept, conv.bias, stride=2, padding=1))


def test_a_sparse_convolution_learns_and_loads() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 3, 3).double()
    layer, x = prune_conv2d(conv, 0.3), normal(2, 2, 5, 5)
    dense = layer.dense()
    assert int(dense.weight.count_nonzero()) == layer.values.numel() == 17
    for module in (layer, dense):
        module(x).square().sum().backward()
    assert layer.values.grad is not None
    assert dense.weight.grad is not None
    close(layer.values.grad, dense.weight.grad.flatten(1)[tuple(layer.indices)])
    close(dense(x), layer(x))
    other = prune_conv2d(nn.Conv2d(2, 3, 3).double(), 0.3)
    other.load_state_dict(layer.state_dict())
    close(other(x), layer(x))


@pytest.mark.parametrize("density", [0, 1.1])
def test_a_density_outside_of_0_and_1_is_refused(density: float) -> None:
    with pytest.raises(ValueError, match=f"above 0 and at most 1; got {density}"):
        prune_conv2d(nn.Conv2d(1, 1, 1), density)


@pytest.mark.parametrize(
    "conv",
    [nn.Conv2d(2, 2, 1, groups=2), nn.Conv2d(2, 2, 3, padding="same"), nn.Conv2d(2, 2, 3, padding_mode="circular")],
)
def test_what_cannot_be_pruned_is_refused(conv: nn.Conv2d) -> None:
    with pytest.raises(ValueError, match=r"no groups and pads with a number of zeros; got Conv2d\(2, 2"):
        prune_conv2d(conv, 0.5)


def test_gradients() -> None:
    x = normal(1, 2, 5, 4).requires_grad_()
    weight, bias = normal(3, 2, 2, 2, seed=1).requires_grad_(), normal(3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda *args: fft_conv2d(*args, 2, 1, 2), (x, weight, bias))
    tiles, biases = normal(2, 3, 3, 2, 2, 2, seed=1).requires_grad_(), normal(2, 3, 3, seed=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda *args: tiled_conv2d(*args, stride=(1, 2), padding=1), (x, tiles, biases))
    layer = prune_conv2d(nn.Conv2d(2, 3, 2).double(), 0.5)

    def sparse(x: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"values": values, "bias": bias}, x)

    assert torch.autograd.gradcheck(sparse, (x, layer.values.detach().clone().requires_grad_(), bias))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_layers_keep_the_dtype_of_the_input(dtype: torch.dtype) -> None:
    x = torch.randn(2, 3, 6, 6, dtype=dtype).to(memory_format=torch.channels_last)
    layers = (TiledConv2d(3, 4, 3, 2), FFTConv2d(3, 4, 3), prune_conv2d(nn.Conv2d(3, 4, 3), 0.5))
    for layer in (*layers, DepthwiseSeparableConv2d(3, 4, 3)):
        output = layer.to(dtype)(x)
        assert output.shape == (2, 4, 4, 4)
        assert output.dtype == dtype
        reference = layer.float()(x.float())
        torch.testing.assert_close(output.float(), reference, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("layer", [TiledConv2d(3, 4, 3, 2), FFTConv2d(3, 4, 3)])
def test_layers_can_be_exported(layer: nn.Module) -> None:
    x = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(torch.export.export(layer, (x,)).module()(x), layer(x))


def test_layers_say_what_they_are() -> None:
    tiled = "TiledConv2d(3, 4, kernel_size=(3, 3), tile_size=(2, 2), stride=(1, 1), padding=(0, 0), bias=True)"
    assert str(TiledConv2d(3, 4, 3, 2)) == tiled
    assert "2, 3, kernel_size=(1, 1), stride=(1, 1)" in str(prune_conv2d(nn.Conv2d(2, 3, 1), 0.5))
    assert "density=0.5" in str(prune_conv2d(nn.Conv2d(2, 3, 1), 0.5))


def test_the_catalogue_builds_its_parts() -> None:
    assert {part.kind for part in PARTS.values()} == {"convolution"}
    assert PARTS["pointwise_convolution"].make(3, 5).weight.shape == (5, 3, 1, 1)
    assert all(callable(part.make) and "lecture 003" in part.source for part in PARTS.values())
