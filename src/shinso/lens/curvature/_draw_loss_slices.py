"""The picture of losses along lines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from shinso.lens.curvature._colours import GOLD, GREEN, INDIGO, QUIET, VERMILION
from shinso.lens.curvature._loss_slice import LossSlice

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_loss_slices(slices: Mapping[str, LossSlice], figure: "Figure") -> None:
    """Draw one curve for each named slice, such as plain and filter-normalised directions of two models."""
    axes = figure.subplots()
    colours = (INDIGO, VERMILION, GREEN, GOLD)
    for place, (name, line) in enumerate(slices.items()):
        axes.plot(line.distances, line.losses, label=name, color=colours[place % 4], linewidth=1.8)
    losses = torch.cat([line.losses for line in slices.values()])
    logarithmic = float(losses.min()) > 0 and float(losses.max()) > 30 * float(losses.min())
    axes.set_yscale("log" if logarithmic else "linear")
    axes.axvline(0, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate(
        "the model", (0, 1), (4, -4), xycoords=("data", "axes fraction"), textcoords="offset points", va="top",
        color=QUIET,
    )  # fmt: skip
    axes.set_xlabel("distance from the model, in lengths of the direction")
    axes.set_ylabel("loss on the batch" + (" (log)" if logarithmic else ""))
    axes.set_title("The loss along a line through the parameters\na wide valley is a flat minimum", loc="left")
    axes.legend(frameon=False)
