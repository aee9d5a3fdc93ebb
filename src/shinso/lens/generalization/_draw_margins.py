"""The picture of margin distributions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from shinso.lens.generalization._colours import GOLD, GREEN, INDIGO, PURPLE, QUIET, VERMILION

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_margins(
    margins: Mapping[str, Float[Tensor, " examples"]], figure: "Figure", unit: str = "margin (logits)"
) -> None:
    """One curve for each named set of margins: the fraction of examples whose margin is at most that on the axis.

    Left of the dashed line predictions are wrong. ``unit`` names the axis, such as "distance to the border (pixels)".
    """
    axes = figure.add_subplot()
    colours = (INDIGO, VERMILION, GREEN, GOLD, PURPLE)
    for place, (name, values) in enumerate(margins.items()):
        ordered = values.detach().double().cpu().sort().values
        heights = [(rank + 1) / len(ordered) for rank in range(len(ordered))]
        wrong = float((ordered <= 0).double().mean())
        label = f"{name} ({100 * wrong:.1f} % wrong)"
        axes.step(ordered.tolist(), heights, where="post", label=label, color=colours[place % len(colours)], lw=1.8)
    axes.axvline(0, color=QUIET, ls="--", lw=1)
    axes.set(xlabel=unit, ylabel="fraction of examples", ylim=(0, 1.02))
    axes.set_title("By how much the right class wins", loc="left")
    axes.annotate(
        "wrong ◂  ▸ right", (0, 1.0), ha="center", va="top", color=QUIET, fontsize=8,
        bbox={"facecolor": axes.get_facecolor(), "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip
    axes.legend(frameon=False, loc="lower right")
