"""Densely connected networks: published numbers, growth and errors."""

import pytest
import torch
from torch import nn

from network_counts import Row, check_he_initialisation, check_row
from shinso.models import _densenet

# Copied from the table of published architectures (built and counted with torchvision, timm or the authors' files).
# fmt: off
ROWS: list[Row] = [
    ("densenet121", 7_978_856, 2_834_161_664, 83_648, 83_648, 364, 120, 1, 121,
     "64x112x112 > 64x56x56 > 256x56x56 > 512x28x28 > 1024x14x14 > 1024x7x7"),
    ("densenet161", 28_681_000, 7_727_907_072, 219_936, 219_936, 484, 160, 1, 161,
     "96x112x112 > 96x56x56 > 384x56x56 > 768x28x28 > 2112x14x14 > 2208x7x7"),
    ("densenet169", 14_149_480, 3_359_843_328, 158_400, 158_400, 508, 168, 1, 169,
     "64x112x112 > 64x56x56 > 256x56x56 > 512x28x28 > 1280x14x14 > 1664x7x7"),
    ("densenet201", 20_013_928, 4_291_365_888, 229_056, 229_056, 604, 200, 1, 201,
     "64x112x112 > 64x56x56 > 256x56x56 > 512x28x28 > 1792x14x14 > 1920x7x7"),
    ("densenet_40_12_cifar", 1_019_722, 264_812_928, 18_096, 18_096, 119, 39, 1, 39,
     "16x32x32 > 160x32x32 > 304x16x16 > 448x8x8"),
    ("densenet_100_12_cifar", 6_979_642, 1_769_516_448, 117_216, 117_216, 299, 99, 1, 99,
     "16x32x32 > 400x32x32 > 784x16x16 > 1168x8x8"),
    ("densenet_100_24_cifar", 27_249_082, 6_889_347_744, 231_264, 231_264, 299, 99, 1, 99,
     "16x32x32 > 784x32x32 > 1552x16x16 > 2320x8x8"),
    ("densenet_bc_100_12_cifar", 769_162, 287_929_692, 23_988, 23_988, 299, 99, 1, 99,
     "24x32x32 > 216x32x32 > 300x16x16 > 342x8x8"),
    ("densenet_bc_250_24_cifar", 15_324_406, 5_418_785_724, 257_976, 257_976, 749, 249, 1, 249,
     "48x32x32 > 1032x32x32 > 1500x16x16 > 1734x8x8"),
    ("densenet_bc_190_40_cifar", 25_624_430, 9_301_945_740, 256_960, 256_960, 569, 189, 1, 189,
     "80x32x32 > 1320x32x32 > 1900x16x16 > 2190x8x8"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_network_has_its_published_numbers(row: Row) -> None:
    network = _densenet.NETWORKS[row[0]]
    shape, classes = network.input_shape, 1000 if network.input_shape[1] == 224 else 10
    check_row(network.function, row, shape, classes)


def test_weights_begin_with_the_variance_of_he() -> None:
    torch.manual_seed(0)
    check_he_initialisation(_densenet.densenet_small())


@pytest.mark.parametrize("size", [28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    network = _densenet.densenet_small(num_classes=7, in_channels=1, dropout=0.5)
    logits = network(torch.randn(3, 1, size, size))
    assert logits.shape == (3, 7)
    logits.sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_a_layer_keeps_its_input_and_appends_as_many_channels_as_the_growth_rate() -> None:
    layer = _densenet.bottleneck_dense_layer(10, 3)
    x = torch.randn(2, 10, 5, 5)
    assert layer(x).shape == (2, 13, 5, 5)
    assert torch.equal(layer(x)[:, :10], x)


def test_dropout_follows_each_convolution_but_the_first() -> None:
    with torch.device("meta"):
        network = _densenet.densenet_40_12_cifar(dropout=0.2)
    modules = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Dropout)]
    assert [isinstance(m, nn.Dropout) for m in modules] == [False] + [False, True] * 38


@pytest.mark.parametrize(("name", "size"), [("densenet121", 29), ("densenet_small", 4)])
def test_too_small_images_are_refused_with_the_least_size(name: str, size: int) -> None:
    network = _densenet.NETWORKS[name].function().eval()
    with torch.no_grad():
        network(torch.randn(1, 3, size, size))
        with pytest.raises(ValueError, match=rf"at least {size}×{size} pixels; got {size}×{size - 1}: enlarge them or"):
            network(torch.randn(1, 3, size, size - 1))
