"""ResNeXt: published numbers and the equivalence of figure 3."""

import pytest
import torch
from torch import nn

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _resnext

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("resnext50_32x4d", 25_028_904, 4_230_479_872, 68_224, 68_224, 161, 53, 1, 53,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnext101_32x4d", 44_177_704, 7_969_996_800, 137_856, 137_856, 314, 104, 1, 104,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnext101_32x8d", 88_791_336, 16_414_015_488, 202_880, 202_880, 314, 104, 1, 104,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("resnext101_64x4d", 83_455_272, 15_460_270_080, 202_880, 202_880, 314, 104, 1, 104,
     "64x112x112 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _resnext.NETWORKS[row[0]]
    shape, classes = network.input_shape, 1000
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_resnext.resnext_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _resnext.resnext_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_a_block_is_the_sum_of_as_many_paths_as_its_cardinality() -> None:
    block = _resnext.aggregated_bottleneck(16, 16, 1, cardinality=4, width_per_output=0.5).eval().double()
    conv1, conv2, conv3 = (block.residual[i].conv.weight for i in range(3))
    x = torch.randn(2, 16, 5, 5, dtype=torch.float64)
    # Form (a) of figure 3; fresh normalisation in evaluation divides by the root of 1 + eps.
    scale = (1 + 1e-5) ** -0.5
    paths = []
    for path in torch.arange(8).split(2):
        y = (nn.functional.conv2d(x, conv1[path]) * scale).relu()
        y = (nn.functional.conv2d(y, conv2[path], padding=1) * scale).relu()
        paths.append(nn.functional.conv2d(y, conv3[:, path]) * scale)
    torch.testing.assert_close(block(x), (x + sum(paths)).relu())
