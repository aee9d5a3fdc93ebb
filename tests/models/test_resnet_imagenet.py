"""Residual networks for photographs: published numbers, strides and order of layers."""

import pytest
import torch
from torch import nn

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _resnet_imagenet

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("resnet18", 11_689_512, 1_814_073_344, 9_600, 9_600, 62, 20, 1, 20,
     "64x112x112 > 64x56x56 > 128x28x28 > 256x14x14 > 512x7x7"),
    ("resnet34", 21_797_672, 3_663_761_408, 17_024, 17_024, 110, 36, 1, 36,
     "64x112x112 > 64x56x56 > 128x28x28 > 256x14x14 > 512x7x7"),
    ("resnet50_v1", 25_557_032, 3_857_973_248, 53_120, 53_120, 161, 53, 1, 53,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnet50", 25_557_032, 4_089_184_256, 53_120, 53_120, 161, 53, 1, 53,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnet101_v1", 44_549_160, 7_570_194_432, 105_344, 105_344, 314, 104, 1, 104,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnet101", 44_549_160, 7_801_405_440, 105_344, 105_344, 314, 104, 1, 104,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnet152_v1", 60_192_808, 11_282_415_616, 151_424, 151_424, 467, 155, 1, 155,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnet152", 60_192_808, 11_513_626_624, 151_424, 151_424, 467, 155, 1, 155,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _resnet_imagenet.NETWORKS[row[0]]
    shape, classes = network.input_shape, 1000
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_resnet_imagenet.resnet_bottleneck_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _resnet_imagenet.resnet_bottleneck_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def strides(network: nn.Module) -> list[tuple[int, int]]:
    """Kernel and stride of all strided convolutions in the residual branches."""
    named = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d) and ".residual." in n]
    return [(m.kernel_size[0], m.stride[0]) for _, m in named if m.stride[0] > 1]


def test_the_stride_is_in_the_first_convolution_as_published_and_in_the_3x3_as_in_torchvision() -> None:
    with torch.device("meta"):
        assert strides(_resnet_imagenet.resnet50_v1()) == [(1, 2)] * 3
        assert strides(_resnet_imagenet.resnet50()) == [(3, 2)] * 3


def test_the_first_block_of_a_stage_projects_after_its_residual_as_in_torchvision() -> None:
    with torch.device("meta"):
        network = _resnet_imagenet.resnet50()
    shapes = [tuple(m.weight.shape) for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert shapes[:6] == [
        (64, 3, 7, 7),
        (64, 64, 1, 1),
        (64, 64, 3, 3),
        (256, 64, 1, 1),
        (256, 64, 1, 1),
        (64, 256, 1, 1),
    ]


def test_a_block_whose_residual_is_zero_is_a_rectified_identity() -> None:
    block = _resnet_imagenet.bottleneck(8, 8, 1).eval()
    nn.init.zeros_(block.residual.conv3.norm.weight)
    x = torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(block(x), x.relu(), rtol=0, atol=0)
