"""The picture of where the error comes from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shinso.lens.generalization._colours import GOLD, INDIGO, QUIET, VERMILION
from shinso.lens.generalization._risk_decomposition import RiskDecomposition

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PARTS = {"approximation": INDIGO, "estimation": VERMILION, "optimization": GOLD}


def draw_risk_decomposition(decompositions: Mapping[str, RiskDecomposition], figure: "Figure") -> None:
    """A group of bars for each named case, such as a class of models: the three parts, with intervals of 95 %.

    The parts of one case add up to its expected loss above the best there is (black dash).
    """
    axes = figure.add_subplot()
    for place, decomposition in enumerate(decompositions.values()):
        _draw_group(axes, place, decomposition, labelled=place == 0)
    axes.axhline(0, color=QUIET, lw=1)
    axes.set_xticks(range(len(decompositions)), list(decompositions))
    axes.set_ylabel("expected loss above the best possible")
    axes.set_title("Where the error comes from", loc="left")
    axes.legend(frameon=False)


def _draw_group(axes: "Axes", place: int, decomposition: RiskDecomposition, *, labelled: bool) -> None:
    parts = decomposition.parts()
    for offset, (name, part) in zip((-0.25, 0.0, 0.25), parts.items(), strict=True):
        errors = [[part.mean - part.low], [part.high - part.mean]]
        axes.bar(
            place + offset, part.mean, 0.23, yerr=errors, color=_PARTS[name], ecolor=QUIET, capsize=3,
            label=name if labelled else None,
        )  # fmt: skip
    total = decomposition.total.mean
    axes.hlines(total, place - 0.38, place + 0.38, color="black", lw=1.6, label="sum" if labelled else "_nolegend_")
