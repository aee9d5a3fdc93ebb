"""What a transposed convolution is (lecture 003, section 3.3, figures 24 to 26)."""

from functools import partial
from typing import TYPE_CHECKING

from shinso._picture import COLOURS, PAPER, RULE
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from shinso.nn.convolution import TransposedCase

_TOLERANCE = 1e-12


def transposed_convolution(
    *, size: int = 3, kernel_size: int = 4, padding: int = 1, stride: int = 2, seed: int = 0
) -> Outcome:
    """A transposed convolution is the backward pass of a convolution, and a convolution with inserted zeros.

    Args:
        size: Cells of a side of the input.
        kernel_size: Cells of a side of the kernel.
        padding: Of the second and third case.
        stride: Of the third case.
        seed: Of the random numbers that are computed with, in float64.
    """
    import torch

    from shinso.nn.convolution import three_cases

    generator = torch.Generator().manual_seed(seed)
    cases = three_cases(size, kernel_size, padding, stride)
    rows, worst = [], 0.0
    for case in cases:
        y = torch.randn(2, 3, size, size, dtype=torch.float64, generator=generator)
        weight = torch.randn(3, 2, kernel_size, kernel_size, dtype=torch.float64, generator=generator)
        ways = case.each_way(y, weight)
        expected = ways.pop("torch's conv_transpose2d")
        errors = [(way - expected).abs().max().item() for way in ways.values()]
        worst = max(worst, *errors)
        rows.append((*_facts(case), *(f"{error:.1e}" for error in errors)))
    header = ("figure", "input", "output", "padding", "stride", "zeros between", "zeros around", *ways)
    because = f"in the three cases all ways differ from torch's by at most {worst:.1e}"
    return Outcome(
        claim=claim_of(transposed_convolution),
        source="Dumoulin & Visin, 2016, arXiv 1603.07285; lecture 003, section 3.3, figures 24 to 26",
        tables=[Table("Largest difference from torch's conv_transpose2d, float64", header, rows)],
        verdict=Verdict(worst <= _TOLERANCE, because),
        draw=partial(_draw, cases),
    )


def _facts(case: "TransposedCase") -> tuple[str, ...]:
    sizes = (f"{case.size}×{case.size}", f"{case.large}×{case.large}")
    return (str(case.figure), *sizes, *map(str, (case.padding, case.stride)), *map(str, _zeros(case)))


def _zeros(case: "TransposedCase") -> tuple[int, int]:
    return case.inserted_zeros, case.transposed_padding


def _draw(cases: "tuple[TransposedCase, ...]", figure: "Figure") -> None:
    for axes, case in zip(figure.subplots(1, len(cases)), cases, strict=True):
        _draw_input(axes, case)
        between, around = _zeros(case)
        axes.set_title(
            f"padding {case.padding}, stride {case.stride}\n{case.size}×{case.size} → {case.large}×{case.large}"
        )
        axes.set_xlabel(f"{between} zeros between, {around} around")


def _draw_input(axes: "Axes", case: "TransposedCase") -> None:
    """The input with its zeros, and the kernel at its first position."""
    from matplotlib.patches import Rectangle

    between, around = _zeros(case)
    inner = (case.size - 1) * (between + 1) + 1
    side = inner + 2 * around
    for row in range(side):
        for column in range(side):
            at = (row - around, column - around)
            is_value = all(0 <= place < inner and place % (between + 1) == 0 for place in at)
            colour = COLOURS[0] if is_value else PAPER
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor=RULE))
    kernel = Rectangle((0, 0), case.kernel_size, case.kernel_size, fill=False, edgecolor=COLOURS[1], linewidth=2.5)
    axes.add_patch(kernel)
    axes.set(xlim=(-0.2, side + 0.2), ylim=(side + 0.2, -0.2), aspect="equal", xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
