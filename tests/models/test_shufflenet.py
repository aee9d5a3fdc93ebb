"""ShuffleNet V1 and V2: published figures, the channel shuffle of figure 31 of lecture 003, and errors."""

import pytest
import torch
from published_rows import Row, check_row
from torch import nn

from shinso.models import _shufflenet_v1, _shufflenet_v2
from shinso.models._shufflenet_v1 import ShuffleUnit, shufflenet_v1_small
from shinso.models._shufflenet_v2 import DownsamplingUnit, SplitUnit

NETWORKS = _shufflenet_v1.NETWORKS | _shufflenet_v2.NETWORKS
# fmt: off
ROWS = [
    Row("shufflenet_v1_g1_x1_0", 1, 1_531_936, 143_078_976, 14_688, 14_688, 149, (49, 1, 49),
        "24x112x112 > 24x56x56 > 144x28x28 > 288x14x14 > 576x7x7"),
    Row("shufflenet_v1_g2_x1_0", 1, 1_733_848, 140_836_512, 20_400, 20_400, 149, (49, 1, 49),
        "24x112x112 > 24x56x56 > 200x28x28 > 400x14x14 > 800x7x7"),
    Row("shufflenet_v1_g3_x1_0", 1, 1_865_728, 137_460_672, 24_480, 24_480, 149, (49, 1, 49),
        "24x112x112 > 24x56x56 > 240x28x28 > 480x14x14 > 960x7x7"),
    Row("shufflenet_v1_g4_x1_0", 1, 1_968_344, 134_339_776, 27_744, 27_744, 149, (49, 1, 49),
        "24x112x112 > 24x56x56 > 272x28x28 > 544x14x14 > 1088x7x7"),
    Row("shufflenet_v1_g8_x1_0", 1, 2_434_768, 138_365_952, 39_168, 39_168, 149, (49, 1, 49),
        "24x112x112 > 24x56x56 > 384x28x28 > 768x14x14 > 1536x7x7"),
    Row("shufflenet_v1_g3_x0_5", 1, 718_324, 37_589_856, 12_240, 12_240, 149, (49, 1, 49),
        "12x112x112 > 12x56x56 > 120x28x28 > 240x14x14 > 480x7x7"),
    Row("shufflenet_v1_g3_x0_25", 1, 305_902, 11_009_808, 6_120, 6_120, 149, (49, 1, 49),
        "6x112x112 > 6x56x56 > 60x28x28 > 120x14x14 > 240x7x7"),
    Row("shufflenet_v1_g3_x2_0", 1, 5_450_776, 524_045_184, 48_960, 48_960, 149, (49, 1, 49),
        "48x112x112 > 48x56x56 > 480x28x28 > 960x14x14 > 1920x7x7"),
    Row("shufflenet_v2_x0_5", 1, 1_366_792, 40_476_448, 7_952, 7_952, 170, (56, 1, 56),
        "24x112x112 > 24x56x56 > 48x28x28 > 96x14x14 > 1024x7x7"),
    Row("shufflenet_v2_x1_0", 1, 2_278_604, 144_907_992, 16_180, 16_180, 170, (56, 1, 56),
        "24x112x112 > 24x56x56 > 116x28x28 > 232x14x14 > 1024x7x7"),
    Row("shufflenet_v2_x1_5", 1, 3_503_624, 295_759_392, 23_440, 23_440, 170, (56, 1, 56),
        "24x112x112 > 24x56x56 > 176x28x28 > 352x14x14 > 1024x7x7"),
    Row("shufflenet_v2_x2_0", 1, 7_393_996, 583_253_464, 33_716, 33_716, 170, (56, 1, 56),
        "24x112x112 > 24x56x56 > 244x28x28 > 488x14x14 > 2048x7x7"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_network_has_its_published_figures(row: Row) -> None:
    check_row(row, NETWORKS)


@pytest.mark.parametrize(("groups", "channels"), [(2, 8), (3, 9), (3, 12)])
def test_shuffling_feeds_every_group_from_all_groups(groups: int, channels: int) -> None:
    """Figure 31 of lecture 003: (b), where each group of the second convolution takes its channels from different
    groups of the first, is (c), a shuffle between two ordinary grouped convolutions.
    """
    first = nn.Conv2d(channels, channels, 1, groups=groups, bias=False).double()
    second = nn.Conv2d(channels, channels, 1, groups=groups, bias=False).double()
    middle = first(torch.randn(2, channels, 5, 4, dtype=torch.float64))
    each = channels // groups
    parts = []
    for group, weight in enumerate(second.weight.chunk(groups)):
        # Position k of the shuffled channels holds channel k // groups of the first convolution's group k % groups.
        wanted = [position % groups * each + position // groups for position in range(group * each, (group + 1) * each)]
        parts.append(nn.functional.conv2d(middle[:, wanted], weight))
    torch.testing.assert_close(second(nn.ChannelShuffle(groups)(middle)), torch.cat(parts, dim=1))


def reached(groups: int, *, shuffles: bool) -> torch.Tensor:
    """Which inputs change which outputs of a unit."""
    unit = ShuffleUnit(24, 24, groups).eval().double()
    if not shuffles:
        unit.layers.shuffle = nn.Identity()
    x = torch.randn(1, 24, 1, 1, dtype=torch.float64)
    nn.init.ones_(unit.layers.compress.conv.weight)
    jacobian = torch.autograd.functional.jacobian(lambda x: unit.layers(x).flatten(), x.abs())
    return jacobian.reshape(24, 24) != 0


def test_without_the_shuffle_groups_never_meet() -> None:
    torch.manual_seed(0)
    assert reached(3, shuffles=True).sum() > reached(3, shuffles=False).sum() == 24 * 8


def test_a_unit_of_stride_2_joins_the_pooled_input() -> None:
    unit = ShuffleUnit(12, 48, 3, stride=2)
    x = torch.randn(2, 12, 8, 8)
    output = unit(x)
    assert output.shape == (2, 48, 4, 4)
    torch.testing.assert_close(output[:, :12], nn.functional.avg_pool2d(x, 3, 2, padding=1).relu())


def test_a_split_unit_passes_half_of_the_channels_on_unchanged() -> None:
    x = torch.randn(2, 16, 6, 6)
    output = SplitUnit(16)(x)
    # The shuffle of two halves interleaves them.
    assert torch.equal(output[:, ::2], x[:, :8])


def test_a_downsampling_unit_halves_the_image() -> None:
    assert DownsamplingUnit(24, 116)(torch.randn(2, 24, 9, 8)).shape == (2, 116, 5, 4)


def test_weights_begin_with_the_variance_of_he_within_a_group() -> None:
    torch.manual_seed(0)
    layers = [m for m in shufflenet_v1_small(groups=8).modules() if isinstance(m, nn.Conv2d) and m.groups == 8]
    values = torch.cat([(m.weight * m.weight[0].numel() ** 0.5).flatten() for m in layers])
    assert values.var().item() == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 8])
def test_the_small_network_takes_all_groups_of_the_table(groups: int) -> None:
    assert shufflenet_v1_small(groups=groups, num_classes=7)(torch.randn(2, 3, 28, 28)).shape == (2, 7)


def test_groups_that_are_not_in_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ShuffleNet's groups must be one of 1, 2, 3, 4, 8; got 5"):
        shufflenet_v1_small(groups=5)
