"""The picture of internal covariate shift by the gradient: one curve by layer and network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from shinso.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_LAYERS = 5


def draw_gradient_shift(records: Mapping[str, Record], figure: "Figure") -> None:
    """Draw cos(G, G′) and ‖G − G′‖₂ of some layers by step, for each named record that ``GradientShift`` wrote.

    Columns are layers that all the networks name alike, evenly spaced from the second to the last; networks are told
    apart by colour, as in figure 3 of Santurkar et al. 2018. Raises ValueError for a record without the lens's
    readings, or when the records share no layer.
    """
    for name, record in records.items():
        if "gradient_shift/cosine" not in record.names():
            raise ValueError(f"the record {name!r} has no readings of GradientShift: watch with it, then draw")
    layers = _layers_to_draw(list(records.values()))
    axes = figure.subplots(2, len(layers), sharex=True, sharey="row", squeeze=False)
    for column, layer in enumerate(layers):
        for name, record in records.items():
            _curve(axes[0, column], record, "gradient_shift/cosine", layer, name)
            _curve(axes[1, column], record, "gradient_shift/distance", layer, name)
        axes[0, column].set_title(f"layer {layer}")
        axes[0, column].axhline(0, color="0.6", linewidth=0.8, zorder=0)
        axes[1, column].set(yscale="log", xlabel="training step")
    axes[0, 0].set(ylabel="cos(G, G′)\n1: direction kept", ylim=(-1.05, 1.05))
    axes[1, 0].set_ylabel("‖G − G′‖₂\nshift of the gradient")
    figure.suptitle("What the update of the layers below does to a layer's gradient", x=0.01, ha="left")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(records))


def _layers_to_draw(records: list[Record]) -> list[str]:
    first, *others = (record.readings("gradient_shift/cosine").labels for record in records)
    shared = [layer for layer in first if all(layer in labels for labels in others)]
    if not shared:
        raise ValueError(
            "the records share no layer: give networks that name their layers alike, or draw one at a time"
        )
    # Nothing runs before the first layer, so there is nothing to see.
    later = shared[1:] or shared
    chosen = np.unique(np.linspace(0, len(later) - 1, min(_MOST_LAYERS, len(later))).round().astype(int))
    return [later[place] for place in chosen]


def _curve(axes: "Axes", record: Record, quantity: str, layer: str, name: str) -> None:
    steps, values, labels = record.readings(quantity)
    axes.plot(steps, values[:, labels.index(layer)], label=name, linewidth=1.5)
