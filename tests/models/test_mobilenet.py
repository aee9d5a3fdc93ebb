"""MobileNet V1 and V2: published figures, what a depthwise separable convolution costs, and errors."""

import pytest
import torch
from published_rows import Row, check_row
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.graph import trace
from shinso.models import _mobilenet_v1, _mobilenet_v2
from shinso.models._mobilenet_v1 import mobilenet_v1_small
from shinso.models._mobilenet_v2 import InvertedResidual, mobilenet_v2_140, mobilenet_v2_small

NETWORKS = _mobilenet_v1.NETWORKS | _mobilenet_v2.NETWORKS
# fmt: off
ROWS = [
    Row("mobilenet_v1_100", 1, 4_231_976, 568_740_352, 21_888, 21_888, 83, (27, 1, 27),
        "64x112x112 > 128x56x56 > 256x28x28 > 512x14x14 > 1024x7x7"),
    Row("mobilenet_v1_075", 1, 2_585_560, 325_400_448, 16_416, 16_416, 83, (27, 1, 27),
        "48x112x112 > 96x56x56 > 192x28x28 > 384x14x14 > 768x7x7"),
    Row("mobilenet_v1_050", 1, 1_331_592, 149_497_088, 10_944, 10_944, 83, (27, 1, 27),
        "32x112x112 > 64x56x56 > 128x28x28 > 256x14x14 > 512x7x7"),
    Row("mobilenet_v1_025", 1, 470_072, 41_030_272, 5_472, 5_472, 83, (27, 1, 27),
        "16x112x112 > 32x56x56 > 64x28x28 > 128x14x14 > 256x7x7"),
    Row("mobilenet_v2_100", 1, 3_504_872, 300_774_272, 34_112, 34_112, 158, (52, 1, 52),
        "16x112x112 > 24x56x56 > 32x28x28 > 96x14x14 > 1280x7x7"),
    Row("mobilenet_v2_140", 1, 6_108_776, 582_195_824, 47_936, 47_936, 158, (52, 1, 52),
        "24x112x112 > 32x56x56 > 48x28x28 > 136x14x14 > 1792x7x7"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_network_has_its_published_figures(row: Row) -> None:
    check_row(row, NETWORKS)


@pytest.mark.parametrize(("channels", "out_channels"), [(8, 16), (32, 32), (64, 24)])
def test_depthwise_and_pointwise_cost_a_ninth_and_one_over_the_channels(channels: int, out_channels: int) -> None:
    separable = _mobilenet_v1._depthwise_separable(channels, out_channels, 1).eval()
    ordinary = nn.Conv2d(channels, out_channels, 3, padding=1, bias=False)
    weights = sum(m.weight.numel() for m in separable.modules() if isinstance(m, nn.Conv2d))
    # Lecture 003, equations 60 and 61.
    assert weights == 9 * channels + channels * out_channels
    ratio = 1 / out_channels + 1 / 9
    assert weights / ordinary.weight.numel() == pytest.approx(ratio)
    x = torch.randn(1, channels, 10, 12)
    assert trace(separable, x).cost().macs / trace(ordinary, x).cost().macs == pytest.approx(ratio)


def test_a_depthwise_convolution_is_a_sum_over_positions_of_each_channel_alone() -> None:
    layer = _mobilenet_v1._depthwise_separable(3, 5, 1).depthwise.conv.double()
    x = torch.randn(2, 3, 6, 7, dtype=torch.float64)
    padded = F.pad(x, (1, 1, 1, 1))
    expected = torch.zeros_like(x)
    for i in range(3):  # lecture 003, equation 59
        for j in range(3):
            expected += padded[:, :, i : i + 6, j : j + 7] * layer.weight[:, 0, i, j, None, None]
    torch.testing.assert_close(layer(x), expected)


def forward_shapes(block: nn.Module, x: Tensor) -> list[int]:
    widths: list[int] = []
    for module in block.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, inputs, output: widths.append(output.shape[1]))
    block(x)
    return widths


def test_an_inverted_residual_expands_and_then_projects_without_activation() -> None:
    block = InvertedResidual(16, 16, 1, 6)
    assert forward_shapes(block, torch.randn(2, 16, 8, 8)) == [96, 96, 16]
    assert isinstance(list(block.modules())[-1], nn.BatchNorm2d)
    assert sum(isinstance(module, nn.ReLU6) for module in block.modules()) == 2


@pytest.mark.parametrize(("out_channels", "stride", "kept"), [(8, 1, True), (8, 2, False), (16, 1, False)])
def test_only_blocks_that_keep_the_shape_have_a_shortcut(out_channels: int, stride: int, kept: bool) -> None:
    block = InvertedResidual(8, out_channels, stride, 6)
    nn.init.zeros_(block.layers.projection.norm.weight)
    x = torch.randn(2, 8, 6, 6)
    output = block(x)
    assert torch.equal(output, x) if kept else bool((output == 0).all())


def test_widths_are_multiples_of_8_that_lose_at_most_a_tenth() -> None:
    assert [_mobilenet_v2._multiple_of_8(c) for c in (1, 8, 11, 12, 33.6, 44.8, 134.4, 17.7, 17.8)] == [
        8, 8, 16, 16, 32, 48, 136, 16, 24
    ]  # fmt: skip
    with torch.device("meta"):
        assert mobilenet_v2_140().last.conv.out_channels == 1792


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    for layer in mobilenet_v1_small(width=4.0).modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() > 4000:
            fan_in = layer.weight[0].numel()
            assert layer.weight.var().item() * fan_in == pytest.approx(2, rel=0.1)


def test_impossible_widths_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"MobileNet's width must be at least 1/32, which leaves one channel; got 0.01"
    ):
        mobilenet_v1_small(width=0.01)
    with pytest.raises(ValueError, match=r"MobileNetV2's width must be above 0; got 0"):
        mobilenet_v2_small(width=0)
