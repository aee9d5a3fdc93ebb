"""The picture of how far each step moves what the layers are given."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from shinso.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_input_shift(records: Mapping[str, Record], figure: "Figure") -> None:
    """Draw the movement of each layer's inputs by step, one panel for each named record that ``InputShift`` wrote.

    Lines are layers, dark where the network begins and light where it ends. Raises ValueError for a record without
    the lens's readings.
    """
    for name, record in records.items():
        if "input_shift/wasserstein" not in record.names():
            raise ValueError(f"the record {name!r} has no readings of InputShift: watch with it, then draw")
    panels = figure.subplots(1, len(records), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (name, record) in zip(panels, records.items(), strict=True):
        _panel(axes, record)
        axes.set(title=name, xlabel="training step", yscale="log")
    panels[0].set_ylabel("movement in one step\n(Wasserstein distance / standard deviation)")
    figure.suptitle("How far each step moves the distribution of the layers' inputs", x=0.01, ha="left")


def _panel(axes: "Axes", record: Record) -> None:
    from matplotlib import colormaps

    steps, values, labels = record.readings("input_shift/wasserstein")
    moving = [row for row in range(len(labels)) if (values[:, row] > 0).any()]
    colours = colormaps["viridis"](np.linspace(0.05, 0.85, len(moving)))
    for colour, row in zip(colours, moving, strict=True):
        ends = row in (moving[0], moving[-1])
        axes.plot(steps, values[:, row], color=colour, linewidth=1.2, label=f"layer {labels[row]}" if ends else None)
    if moving:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
