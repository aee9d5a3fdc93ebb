"""Squeeze-and-excitation networks: published numbers and structure."""

import pytest
import torch
from torch import nn

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _senet

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("se_resnet50", 28_088_024, 3_860_488_192, 53_120, 53_120, 225, 85, 1, 53,
     "64x112x112 > 64x56x56 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("senet154", 115_088_984, 20_688_363_520, 247_552, 247_552, 673, 257, 1, 157,
     "128x112x112 > 128x56x56 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _senet.NETWORKS[row[0]]
    shape, classes = network.input_shape, 1000
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_senet.se_resnet_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _senet.se_resnet_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_senet154_has_the_dropout_of_the_paper() -> None:
    with torch.device("meta"):
        network = _senet.senet154()
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.2]


def test_the_residual_is_recalibrated_before_the_sum() -> None:
    block = _senet.se_bottleneck(32, 32, 1).eval()
    nn.init.constant_(block.residual.squeeze_excitation.gate.expand.bias, -200.0)
    x = torch.randn(2, 32, 5, 5)
    torch.testing.assert_close(block(x), x.relu())
