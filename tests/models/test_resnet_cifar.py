"""Residual networks for CIFAR: published numbers and shortcuts."""

import pytest
import torch
from torch import nn

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _resnet_cifar

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("resnet20_cifar", 269_722, 40_551_040, 1_376, 1_376, 59, 19, 1, 19,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet20_cifar_optB", 272_474, 40_813_184, 1_568, 1_568, 65, 21, 1, 21,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet32_cifar", 464_154, 68_862_592, 2_272, 2_272, 95, 31, 1, 31,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet32_cifar_optB", 466_906, 69_124_736, 2_464, 2_464, 101, 33, 1, 33,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet44_cifar", 658_586, 97_174_144, 3_168, 3_168, 131, 43, 1, 43,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet44_cifar_optB", 661_338, 97_436_288, 3_360, 3_360, 137, 45, 1, 45,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet56_cifar", 853_018, 125_485_696, 4_064, 4_064, 167, 55, 1, 55,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet56_cifar_optB", 855_770, 125_747_840, 4_256, 4_256, 173, 57, 1, 57,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet110_cifar", 1_727_962, 252_887_680, 8_096, 8_096, 329, 109, 1, 109,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet110_cifar_optB", 1_730_714, 253_149_824, 8_288, 8_288, 335, 111, 1, 111,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet1202_cifar", 19_421_274, 2_829_238_912, 89_632, 89_632, 3605, 1201, 1, 1201,
     "16x32x32 > 32x16x16 > 64x8x8"),
    ("resnet1202_cifar_optB", 19_424_026, 2_829_501_056, 89_824, 89_824, 3611, 1203, 1, 1203,
     "16x32x32 > 32x16x16 > 64x8x8"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _resnet_cifar.NETWORKS[row[0]]
    shape, classes = network.input_shape, 10
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_resnet_cifar.resnet_cifar_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _resnet_cifar.resnet_cifar_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(("name", "projections"), [("resnet20_cifar", 0), ("resnet20_cifar_optB", 2)])
def test_only_option_b_projects(name: str, projections: int) -> None:
    with torch.device("meta"):
        network = _resnet_cifar.NETWORKS[name].function()
    kernels = [m.kernel_size for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert kernels.count((1, 1)) == projections
