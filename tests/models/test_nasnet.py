"""NASNet-A: published figures, the cells of figure 4, padding and errors."""

import pytest
import torch
from published_rows import Row, check_row
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shinso.models._nasnet import NETWORKS, nasnet_a_large, nasnet_a_mobile, nasnet_a_small
from shinso.models._nasnet_cell import NORMAL, REDUCTION, FactorizedReduction, NasNetCell, _Pool, _separable_twice

# fmt: off
ROWS = [
    Row("nasnet_a_mobile", 1, 5_289_978, 568_234_858, 36_738, 36_738, 742, (356, 1, 192),
        "32x111x111 > 44x56x56 > 264x28x28 > 528x14x14 > 1056x7x7"),
    Row("nasnet_a_large", 1, 88_753_150, 23_783_414_658, 196_668, 196_668, 1018, (488, 1, 264),
        "96x165x165 > 168x83x83 > 1008x42x42 > 2016x21x21 > 4032x11x11"),
]
# fmt: on


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_network_has_its_published_figures(row: Row) -> None:
    check_row(row, NETWORKS)


def test_a_normal_cell_is_the_sums_of_figure_4() -> None:
    cell = NasNetCell(NORMAL, 12, 10, 4).eval().double()
    current, previous = torch.randn(2, 12, 6, 6, dtype=torch.float64), torch.randn(2, 10, 6, 6, dtype=torch.float64)
    h, p = cell.squeeze_current(current), cell.squeeze_previous(previous)

    def average(x: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)

    expected = torch.cat(
        [
            p,
            cell.rows[0][0](h) + cell.rows[0][1](p),
            cell.rows[1][0](p) + cell.rows[1][1](p),
            average(h) + p,
            average(p) + average(p),
            cell.rows[4][0](h) + h,
        ],
        dim=1,
    )
    torch.testing.assert_close(cell(current, previous), expected)


@pytest.mark.parametrize("size", [7, 8])
def test_a_reduction_cell_halves_the_image(size: int) -> None:
    cell = NasNetCell(REDUCTION, 12, 10, 4)
    output = cell(torch.randn(2, 12, size, size), torch.randn(2, 10, size, size))
    assert output.shape == (2, cell.out_channels, 4, 4) == (2, 16, 4, 4)


def test_the_cell_after_a_reduction_halves_its_older_input() -> None:
    cell = NasNetCell(NORMAL, 16, 24, 8, "halved")
    assert cell(torch.randn(2, 16, 4, 4), torch.randn(2, 24, 7, 7)).shape == (2, 48, 4, 4)


@pytest.mark.parametrize("size", [3, 4, 9, 10])
@pytest.mark.parametrize("kernel_size", [3, 5, 7])
def test_strided_convolutions_pad_to_the_rounded_up_half(size: int, kernel_size: int) -> None:
    layers = _separable_twice(4, 4, kernel_size, 2, crops=False).eval()
    x = torch.randn(2, 4, size, size)
    first = layers.separable1.depthwise
    total = (-(-size // 2) - 1) * 2 + kernel_size - size
    before, after = total // 2, total - total // 2
    padded = F.pad(x, (before, after, before, after))
    torch.testing.assert_close(first(x), F.conv2d(padded, first.weight, stride=2, groups=4))
    assert layers(x).shape[-1] == -(-size // 2)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [5, 6])
def test_dropping_a_row_and_a_column_changes_nothing(size: int, stride: int) -> None:
    plain, cropped = (_separable_twice(4, 6, 5, stride, crops=crops).eval().double() for crops in (False, True))
    cropped.load_state_dict(plain.state_dict())
    x = torch.randn(2, 4, size, size, dtype=torch.float64)
    torch.testing.assert_close(cropped(x), plain(x))


@pytest.mark.parametrize("size", [5, 6])
def test_pooling_leaves_out_what_is_outside_the_image(size: int) -> None:
    assert (_Pool("average", 2)(torch.ones(1, 1, size, size)) == 1).all()
    assert (_Pool("maximum", 2)(-torch.ones(1, 1, size, size)) == -1).all()


def test_a_factorised_reduction_sees_every_second_position_and_those_between() -> None:
    layer = FactorizedReduction(1, 2).eval()
    for path in (layer.path1, layer.path2):
        nn.init.ones_(path.weight)
    x = torch.arange(1.0, 17).reshape(1, 1, 4, 4)
    output = layer(x) * (1 + 1e-3) ** 0.5
    torch.testing.assert_close(output[0, 0], x[0, 0, ::2, ::2])
    torch.testing.assert_close(output[0, 1], x[0, 0, 1::2, 1::2])


def test_the_large_network_passes_over_its_reductions_as_the_authors_release_does() -> None:
    with torch.device("meta"):
        large, mobile = nasnet_a_large(), nasnet_a_mobile()
    assert sum(large.body.is_skipped) == 2
    assert sum(mobile.body.is_skipped) == 0


def test_images_under_3_pixels_are_refused() -> None:
    with torch.device("meta"):
        model = nasnet_a_mobile().eval()
        with pytest.raises(ValueError, match=r"at least 3×3 pixels; got 2×5.*nasnet_a_small"):
            model(torch.empty(1, 3, 2, 5))


@pytest.mark.parametrize(("repeats", "penultimate"), [(0, 192), (1, 100), (1, 0)])
def test_impossible_sizes_are_refused(repeats: int, penultimate: int) -> None:
    message = f"repeats >= 1 and a multiple of 24 as penultimate; got {repeats} and {penultimate}"
    with pytest.raises(ValueError, match=message):
        nasnet_a_small(repeats=repeats, penultimate=penultimate)


def test_the_network_for_cifar_10_has_the_size_of_table_1() -> None:
    with torch.device("meta"):
        model = nasnet_a_small(repeats=6, penultimate=768)
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(3.3, rel=0.03)
