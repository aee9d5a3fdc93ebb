"""Dual path networks: published numbers and the two paths."""

import pytest
import torch
from torch import nn

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _dual_path

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("dpn92", 37_668_392, 6_501_684_224, 125_216, 125_216, 289, 96, 0, 96,
     "64x112x112 > 64x56x56 > 336x56x56 > 704x28x28 > 1552x14x14 > 2688x7x7"),
    ("dpn98", 61_570_728, 11_671_217_152, 164_896, 164_896, 307, 102, 0, 102,
     "96x112x112 > 96x56x56 > 336x56x56 > 768x28x28 > 1728x14x14 > 2688x7x7"),
    ("dpn131", 79_254_504, 16_013_648_896, 223_360, 223_360, 406, 135, 0, 135,
     "128x112x112 > 128x56x56 > 352x56x56 > 832x28x28 > 1984x14x14 > 2688x7x7"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _dual_path.NETWORKS[row[0]]
    shape, classes = network.input_shape, 1000
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_dual_path.dpn_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _dual_path.dpn_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_a_block_adds_to_the_residual_path_and_appends_to_the_dense_path() -> None:
    stage = _dual_path.Stage(blocks=1, width=4, residual_channels=6, growth_rate=2)
    block = _dual_path.dual_path_block(9, nn.Identity(), stage, stride=1, groups=2).eval()
    x = torch.randn(2, 9, 5, 5)
    new, output = block.layers(x), block(x)
    assert new.shape[1] == 8
    torch.testing.assert_close(output[:, :6], x[:, :6] + new[:, :6])
    assert torch.equal(output[:, 6:9], x[:, 6:])
    assert torch.equal(output[:, 9:], new[:, 6:])
