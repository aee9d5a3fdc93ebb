"""Which values share statistics: against the equations of the paper, and against what a derivative reaches."""

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.normalization import normalization_sets, normalized_axes, shares_statistics

SHAPE = (3, 6, 2, 4)
LAYERS = {
    "batch": (nn.BatchNorm2d(6), lambda i, k: k[1] == i[1]),
    "layer": (nn.LayerNorm(SHAPE[1:]), lambda i, k: k[0] == i[0]),
    "layer, last axis": (nn.LayerNorm(4), lambda i, k: k[:3] == i[:3]),
    "instance": (nn.InstanceNorm2d(6), lambda i, k: k[:2] == i[:2]),
    "group": (nn.GroupNorm(2, 6), lambda i, k: k[0] == i[0] and k[1] // 3 == i[1] // 3),
    "one group": (nn.GroupNorm(1, 6), lambda i, k: k[0] == i[0]),
    "a group a channel": (nn.GroupNorm(6, 6), lambda i, k: k[:2] == i[:2]),
}
CELLS = [(0, 0, 0, 0), (1, 2, 0, 3), (2, 3, 1, 1)]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("name", LAYERS)
def test_the_set_is_that_of_the_equations_and_of_the_derivatives(name: str, cell: tuple[int, ...]) -> None:
    layer, in_one_set = LAYERS[name]
    shares = shares_statistics(layer, SHAPE, cell)
    expected = torch.zeros(SHAPE, dtype=torch.bool)
    for k in torch.cartesian_prod(*(torch.arange(size) for size in SHAPE)).tolist():
        expected[tuple(k)] = in_one_set(list(cell), k)
    assert torch.equal(shares, expected)
    assert torch.equal(shares, reached(layer, cell))


def reached(layer: nn.Module, cell: tuple[int, ...]) -> Tensor:
    """The inputs that the output at the cell depends on."""
    torch.manual_seed(0)
    x = torch.randn(SHAPE, dtype=torch.float64, requires_grad=True)
    layer.double().train()(x)[cell].backward()
    assert x.grad is not None
    return x.grad != 0


@pytest.mark.parametrize("name", LAYERS)
def test_sets_are_numbered_without_gaps_and_of_one_size(name: str) -> None:
    sets = normalization_sets(LAYERS[name][0], SHAPE)
    numbers, counts = sets.unique(return_counts=True)
    assert torch.equal(numbers, torch.arange(len(numbers)))
    assert len(counts.unique()) == 1
    for cell in CELLS:
        assert torch.equal(shares_statistics(LAYERS[name][0], SHAPE, cell), sets == sets[cell])


def test_axes() -> None:
    assert normalized_axes(nn.BatchNorm2d(6), 4) == (0, 2, 3)
    assert normalized_axes(nn.BatchNorm1d(6), 2) == (0,)
    assert normalized_axes(nn.LayerNorm((6, 2, 4)), 4) == (1, 2, 3)
    assert normalized_axes(nn.InstanceNorm1d(6), 3) == (2,)
    assert normalized_axes(nn.GroupNorm(2, 6), 4) == (1, 2, 3)


def test_the_first_cell_is_the_default() -> None:
    layer = nn.GroupNorm(2, 6)
    assert torch.equal(shares_statistics(layer, SHAPE), shares_statistics(layer, SHAPE, (0, 0, 0, 0)))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"normalises \[batch, 6, \*\]; got shape \(3, 5, 2\)"):
        normalization_sets(nn.BatchNorm1d(6), (3, 5, 2))
    with pytest.raises(ValueError, match=r"normalises \[batch, 6, \*\]; got shape \(6,\)"):
        normalization_sets(nn.GroupNorm(2, 6), (6,))
    with pytest.raises(ValueError, match=r"whose shape ends with \(2, 4\); got \(3, 4\)"):
        normalization_sets(nn.LayerNorm((2, 4)), (3, 4))
    with pytest.raises(ValueError, match=r"one index for each of the 4 axes; got \(0, 0\)"):
        shares_statistics(nn.BatchNorm2d(6), SHAPE, (0, 0))
