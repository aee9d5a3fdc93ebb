"""VGG against table 1 of the paper and the published figures."""

import pytest
import torch
from published_rows import Row, check_row
from torch import nn

from shinso.models._vgg import NETWORKS, vgg16, vgg_small

STAGES = "64x224x224 > 128x112x112 > 256x56x56 > 512x28x28 > 512x14x14 > 512x7x7"
ROWS = [
    Row(
        "vgg11",
        1,
        132_863_336,
        7_609_090_048,
        0,
        0,
        22,
        (8, 3, 0),
        STAGES,
    ),
    Row(
        "vgg11_bn",
        1,
        132_868_840,
        7_609_090_048,
        5_504,
        5_504,
        38,
        (8, 3, 8),
        STAGES,
    ),
    Row(
        "vgg13",
        1,
        133_047_848,
        11_308_466_176,
        0,
        0,
        26,
        (10, 3, 0),
        STAGES,
    ),
    Row(
        "vgg13_bn",
        1,
        133_053_736,
        11_308_466_176,
        5_888,
        5_888,
        46,
        (10, 3, 10),
        STAGES,
    ),
    Row(
        "vgg16",
        1,
        138_357_544,
        15_470_264_320,
        0,
        0,
        32,
        (13, 3, 0),
        STAGES,
    ),
    Row(
        "vgg16_bn",
        1,
        138_365_992,
        15_470_264_320,
        8_448,
        8_448,
        58,
        (13, 3, 13),
        STAGES,
    ),
    Row(
        "vgg19",
        1,
        143_667_240,
        19_632_062_464,
        0,
        0,
        38,
        (16, 3, 0),
        STAGES,
    ),
    Row(
        "vgg19_bn",
        1,
        143_678_248,
        19_632_062_464,
        11_008,
        11_008,
        70,
        (16, 3, 16),
        STAGES,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_published_figure_is_met(row: Row) -> None:
    check_row(row, NETWORKS)


def test_every_convolution_is_3x3_and_every_stage_halves_the_image() -> None:
    with torch.device("meta"):
        model = vgg16()
    convs = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    assert [conv.out_channels for conv in convs] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert {(conv.kernel_size, conv.stride, conv.padding) for conv in convs} == {((3, 3), (1, 1), (1, 1))}
    assert sum(isinstance(module, nn.MaxPool2d) for module in model.modules()) == 5


def test_initialisation_is_that_of_glorot_and_bengio() -> None:
    torch.manual_seed(0)
    weight = vgg_small().get_parameter("stage3.conv2.weight")
    bound = (6 / (64 * 9 + 64 * 9)) ** 0.5
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert all((p == 0).all() for name, p in vgg_small().named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("size", [8, 28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    for batch_norm in (False, True):
        model = vgg_small(in_channels=1, num_classes=7, batch_norm=batch_norm)
        assert model(torch.randn(2, 1, size, size)).shape == (2, 7)


def test_too_small_images_are_refused() -> None:
    with torch.device("meta"):
        model = vgg16()
    with pytest.raises(ValueError, match=r"at least 32×32 pixels; got 28×28: enlarge them or use vgg_small"):
        model(torch.empty(1, 3, 28, 28, device="meta"))
