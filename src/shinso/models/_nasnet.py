"""NASNet-A (Zoph et al., 2017, arXiv 1707.07012; lecture 003): searched cells, stacked.

Without auxiliary classifier and without scheduled drop path. The paper names no initialisation: it is He's over the
fan-in, as in the authors' release.
"""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._fan_in import he_by_fan_in
from shinso.models._least_size import LeastSize
from shinso.models._nasnet_cell import NORM_EPS, NORMAL, REDUCTION, CellTable, NasNetCell, PreviousState
from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier


def nasnet_a_mobile(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """NASNet-A (4 @ 1056), 44 filters in the first stage; ``[batch, in_channels, height, width]`` to
    ``[batch, num_classes]``, from 3×3 pixels on: the stem pads nothing.

    Its reduction cells compute a row and a column more than they keep, as in the implementation whose 568 million
    products are usually cited; without them there are 564 million, the number of table 2.
    """
    return _nasnet_imagenet(
        num_classes, in_channels, dropout, stem_channels=32, repeats=4, penultimate=1056, crops=True
    )


def nasnet_a_large(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """NASNet-A (6 @ 4032), 168 filters in the first stage; ``[batch, in_channels, height, width]`` to
    ``[batch, num_classes]``, from 3×3 pixels on: the stem pads nothing.

    As in the authors' release, the cell after a reduction reads as its previous state that of the reduction, and
    average pooling leaves out what is outside the image (timm counts it as zeros where it halves images of even sizes).
    """
    return _nasnet_imagenet(
        num_classes, in_channels, dropout, stem_channels=96, repeats=6, penultimate=4032, skips_reductions=True
    )


def nasnet_a_small(
    *, num_classes: int = 10, in_channels: int = 3, repeats: int = 1, penultimate: int = 192
) -> nn.Module:
    """NASNet-A (1 @ 192) for 32×32 and 28×28 images, in the form for CIFAR-10 of figure 2: a stem that keeps their size
    and no cells in it. NASNet-A (6 @ 768) of table 1 is ``repeats=6, penultimate=768``.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``. Raises ValueError for no cells, or
    channels that cannot be shared among 24.
    """
    if repeats < 1 or penultimate < 24 or penultimate % 24:
        raise ValueError(
            f"NASNet needs repeats >= 1 and a multiple of 24 as penultimate; got {repeats} and {penultimate}"
        )
    filters = penultimate // 24
    stem = ConvNorm(in_channels, 3 * filters, eps=NORM_EPS, activation=None)
    body = _StackedCells(stem, 3 * filters, _figure2(repeats, filters))
    return _with_classifier(body, num_classes, 0.0)


def _nasnet_imagenet(
    num_classes: int,
    in_channels: int,
    dropout: float,
    *,
    stem_channels: int,
    repeats: int,
    penultimate: int,
    crops: bool = False,
    skips_reductions: bool = False,
) -> nn.Module:
    filters = penultimate // 24
    stem = nn.Sequential(
        OrderedDict(
            size=LeastSize(3, instead="nasnet_a_small"),
            conv=ConvNorm(in_channels, stem_channels, stride=2, padding=0, eps=NORM_EPS, activation=None),
        )
    )
    stem_cells = ((REDUCTION, filters // 4), (REDUCTION, filters // 2))
    cells = (*stem_cells, *_figure2(repeats, filters))
    body = _StackedCells(stem, stem_channels, cells, crops=crops, skips_reductions=skips_reductions)
    return _with_classifier(body, num_classes, dropout)


def _figure2(repeats: int, filters: int) -> tuple[tuple[CellTable, int], ...]:
    """Cells from the stem to the classifier, with their filters."""
    return (
        *[(NORMAL, filters)] * repeats,
        (REDUCTION, 2 * filters),
        *[(NORMAL, 2 * filters)] * repeats,
        (REDUCTION, 4 * filters),
        *[(NORMAL, 4 * filters)] * repeats,
    )


class _StackedCells(nn.Module):
    """The stem and cells, each of which reads the outputs of the two before it.

    With ``skips_reductions``, the cell after a reduction (those of the stem aside) reads what the reduction read as its
    previous state. Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, h, w]``.
    """

    def __init__(
        self,
        stem: nn.Module,
        stem_channels: int,
        cells: tuple[tuple[CellTable, int], ...],
        *,
        crops: bool = False,
        skips_reductions: bool = False,
    ) -> None:
        super().__init__()
        self.stem = stem
        self.cells = nn.ModuleList()
        tables = [table for table, _ in cells]
        first_normal = tables.index(NORMAL)
        self.is_skipped = [
            skips_reductions and table is REDUCTION and number > first_normal for number, table in enumerate(tables)
        ]
        previous = current = stem_channels
        for number, (table, channels) in enumerate(cells):
            # After a reduction the previous state is still twice as large.
            halved = number > 0 and tables[number - 1] is REDUCTION
            is_first_of_stem = number == 0 and table is REDUCTION
            form: PreviousState = "raw" if is_first_of_stem else "halved" if halved else "squeezed"
            crops_here = crops and table is REDUCTION and not is_first_of_stem
            cell = NasNetCell(table, current, previous, channels, form, crops=crops_here)
            self.cells.append(cell)
            if not self.is_skipped[number]:
                previous = current
            current = cell.out_channels
        self.out_channels = current

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        previous = current = self.stem(x)
        for cell, is_skipped in zip(self.cells, self.is_skipped, strict=True):
            output = cell(current, previous)
            if not is_skipped:
                previous = current
            current = output
        result: Tensor = current
        return result


def _with_classifier(body: _StackedCells, num_classes: int, dropout: float) -> nn.Module:
    layers = {"body": body, "relu": nn.ReLU(inplace=True)} | pooled_classifier(body.out_channels, num_classes, dropout)
    return he_by_fan_in(nn.Sequential(OrderedDict(layers)))


_PAPER = "Learning Transferable Architectures for Scalable Image Recognition, arXiv 1707.07012"

NETWORKS = {
    "nasnet_a_mobile": Network(nasnet_a_mobile, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "nasnet_a_large": Network(nasnet_a_large, year=2017, input_shape=(3, 331, 331), paper=_PAPER),
    "nasnet_a_small": Network(nasnet_a_small, year=2017, input_shape=(3, 32, 32), paper=_PAPER),
}
