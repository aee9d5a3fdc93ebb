"""The picture of smoothness along the gradient: three bands by step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from shinso.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = (
    ("loss along the gradient", "loss", "smoothness/loss_low", "smoothness/loss_high"),
    (
        "gradient predictiveness",
        "change of the gradient, ‖∇L′ − ∇L‖₂",
        "smoothness/gradient_change_low",
        "smoothness/gradient_change_high",
    ),
    ("effective smoothness", "effective β", "smoothness/effective_beta", "smoothness/effective_beta"),
)


def draw_smoothness(records: Mapping[str, Record], figure: "Figure") -> None:
    """Draw the ranges by step for each named record that ``Smoothness`` wrote, as in figure 4 of Santurkar et al. 2018.

    Narrow and low bands are a smooth loss. Raises ValueError for a record without the lens's readings.
    """
    for name, record in records.items():
        if "smoothness/effective_beta" not in record.names():
            raise ValueError(f"the record {name!r} has no readings of Smoothness: watch with it, then draw")
    panels = figure.subplots(1, len(_PANELS), sharex=True)
    for axes, (title, quantity, low, high) in zip(panels, _PANELS, strict=True):
        lowest = [_band(axes, record, low, high, name) for name, record in records.items()]
        axes.set(title=title, xlabel="training step", ylabel=quantity)
        if min(lowest) > 0:
            axes.set_yscale("log")
    figure.suptitle("How smooth the loss is along the gradient (narrow and low: smooth)", x=0.01, ha="left")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(records))


def _band(axes: "Axes", record: Record, low: str, high: str, name: str) -> float:
    """Draw the band between two series; the least value of it."""
    steps, lowest, _ = record.readings(low)
    highest = record.readings(high).values
    (edge,) = axes.plot(steps, highest, linewidth=1.4, label=name)
    axes.plot(steps, lowest, linewidth=0.8, color=edge.get_color())
    axes.fill_between(steps, lowest, highest, color=edge.get_color(), alpha=0.25, linewidth=0)
    return float(np.nanmin(lowest, initial=np.inf))
