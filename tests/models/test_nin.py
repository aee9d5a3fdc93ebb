"""Network in network against the authors' sizes."""

import pytest
import torch
from published_rows import Row, check_row
from torch import nn

from shinso.models._nin import NETWORKS, nin_cifar10, nin_small

ROWS = [
    Row("nin_cifar10", 1, 966_986, 222_486_528, 0, 0, 18, (9, 0, 0), "96x32x32 > 192x16x16 > 10x8x8"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_published_figure_is_met(row: Row) -> None:
    check_row(row, NETWORKS)


def test_a_hundred_classes_cost_90_channels_more() -> None:
    with torch.device("meta"):
        model = nin_cifar10(num_classes=100)
    assert sum(p.numel() for p in model.parameters()) == 984_356


def test_there_is_no_linear_layer_and_six_convolutions_are_1x1() -> None:
    with torch.device("meta"):
        convs = [module for module in nin_cifar10().modules() if isinstance(module, nn.Conv2d)]
    assert [conv.kernel_size[0] for conv in convs] == [5, 1, 1, 5, 1, 1, 3, 1, 1]


def test_initialisation_is_that_of_the_authors() -> None:
    torch.manual_seed(0)
    model = nin_cifar10()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert (parameter == 0).all()
        else:
            assert parameter.std().item() == pytest.approx(0.05, rel=0.05)


@pytest.mark.parametrize("size", [4, 28, 32])
def test_the_small_network_takes_small_images(size: int) -> None:
    assert nin_small(in_channels=1, num_classes=7)(torch.randn(2, 1, size, size)).shape == (2, 7)


def test_too_small_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 4×4 pixels; got 3×3: enlarge them or use mlp"):
        nin_small()(torch.empty(1, 3, 3, 3))
