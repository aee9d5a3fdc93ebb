"""The picture of the generalisation gap over time."""

from typing import TYPE_CHECKING

from shinso.lens.generalization._colours import GOLD, INDIGO, VERMILION
from shinso.lens.generalization._generalization_gap import GapCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_gap(curve: GapCurve, figure: "Figure") -> None:
    """Both losses over the steps, the gap shaded between them."""
    axes = figure.add_subplot()
    axes.fill_between(curve.steps, curve.train, curve.held_out, color=GOLD, alpha=0.2, linewidth=0, label="gap")
    axes.plot(curve.steps, curve.train, color=INDIGO, lw=1.8, label="training examples")
    axes.plot(curve.steps, curve.held_out, color=VERMILION, lw=1.8, label="held-out examples")
    axes.set(xlabel="step", ylabel="mean loss")
    axes.set_title("Generalisation gap", loc="left")
    axes.legend(frameon=False)
