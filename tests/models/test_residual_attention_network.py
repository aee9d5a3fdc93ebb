"""Residual attention networks: published numbers and errors."""

import pytest
import torch

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _residual_attention

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("attention56", 31_810_728, 6_270_836_736, 72_704, 72_704, 326, 110, 1, 107,
     "64x112x112 > 64x56x56 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
    ("attention92", 52_466_344, 10_533_789_696, 133_632, 133_632, 533, 179, 1, 176,
     "64x112x112 > 64x56x56 > 256x56x56 > 512x28x28 > 1024x14x14 > 2048x7x7"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _residual_attention.NETWORKS[row[0]]
    shape, classes = network.input_shape, 1000
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_residual_attention.attention_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _residual_attention.attention_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(("name", "size"), [("attention56", 31), ("attention_small", 8)])
def test_too_small_images_are_refused_with_the_least_size(name: str, size: int) -> None:
    network = _residual_attention.NETWORKS[name].function().eval()
    with torch.no_grad():
        network(torch.randn(1, 3, size, size))
        with pytest.raises(ValueError, match=rf"at least {size}×{size} pixels; got {size - 1}×{size}: enlarge them or"):
            network(torch.randn(1, 3, size - 1, size))
