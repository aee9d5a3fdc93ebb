"""SqueezeNet against table 1 of the paper and the published figures."""

import pytest
import torch
from published_rows import Row, check_row
from torch import nn

from shinso.models._squeezenet import NETWORKS, squeezenet1_0, squeezenet1_1, squeezenet_small

STAGES_1_0 = "96x109x109 > 256x54x54 > 512x27x27 > 1000x13x13"
STAGES_1_1 = "64x111x111 > 128x55x55 > 256x27x27 > 1000x13x13"
STAGES_1_0_227 = "96x111x111 > 256x55x55 > 512x27x27 > 1000x13x13"
ROWS = [
    Row(
        "squeezenet1_0",
        1,
        1_248_424,
        818_924_576,
        0,
        0,
        52,
        (26, 0, 0),
        STAGES_1_0,
    ),
    Row(
        "squeezenet1_1",
        1,
        1_235_496,
        349_151_936,
        0,
        0,
        52,
        (26, 0, 0),
        STAGES_1_1,
    ),
    Row(
        "squeezenet1_0_227",
        1,
        1_248_424,
        832_667_936,
        0,
        0,
        52,
        (26, 0, 0),
        STAGES_1_0_227,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_published_figure_is_met(row: Row) -> None:
    check_row(row, NETWORKS)


def test_fire_modules_expand_to_the_widths_of_table_1() -> None:
    with torch.device("meta"):
        model = squeezenet1_0()
    fires = [model.get_submodule(f"fire{number}") for number in range(2, 10)]
    convs = [[module for module in fire.modules() if isinstance(module, nn.Conv2d)] for fire in fires]
    assert [[conv.out_channels for conv in fire] for fire in convs] == [
        [squeezed, 4 * squeezed, 4 * squeezed] for squeezed in (16, 16, 32, 32, 48, 48, 64, 64)
    ]
    assert [[conv.kernel_size[0] for conv in fire] for fire in convs] == [[1, 1, 3]] * 8


def test_version_1_1_has_less_than_half_the_work() -> None:
    work = {row.id: row.macs for row in ROWS}
    assert work["squeezenet1_0"] / work["squeezenet1_1"] == pytest.approx(2.35, abs=0.005)


def test_initialisation_is_that_of_the_release() -> None:
    torch.manual_seed(0)
    model = squeezenet1_1()
    assert model.get_parameter("conv10.weight").std().item() == pytest.approx(0.01, rel=0.02)
    weight = model.get_parameter("fire9.expand.expand3x3.weight")
    assert weight.var().item() == pytest.approx(1 / (64 * 9), rel=0.02)
    assert weight.abs().max().item() <= (3 / (64 * 9)) ** 0.5
    assert all((p == 0).all() for name, p in model.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("size", [4, 28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    assert squeezenet_small(in_channels=1, num_classes=7)(torch.randn(2, 1, size, size)).shape == (2, 7)


def test_too_small_images_are_refused() -> None:
    with torch.device("meta"):
        model = squeezenet1_0()
    assert model(torch.empty(1, 3, 21, 21, device="meta")).shape == (1, 1000)
    with pytest.raises(ValueError, match=r"at least 21×21 pixels; got 20×20: enlarge them or use squeezenet_small"):
        model(torch.empty(1, 3, 20, 20, device="meta"))
