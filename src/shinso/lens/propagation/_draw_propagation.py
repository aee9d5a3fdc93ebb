"""Signals by depth as a picture: measured as dots, mean field theory as lines."""

from typing import TYPE_CHECKING

from shinso.lens.propagation._beside_mean_field import BesideMeanField

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = (
    ("lengths", "Length of the signal", "mean square of preactivations"),
    ("correlations", "Likeness of two inputs", "correlation of preactivations"),
    ("gradient_norms", "Gradient", "norm of ∂loss/∂preactivations"),
)


def draw_propagation(signals: BesideMeanField, figure: "Figure") -> None:
    """Draw length, correlation and gradient by depth, each measured and predicted."""
    depth = range(1, len(signals.measured.layers) + 1)
    for axes, (column, title, label) in zip(figure.subplots(1, 3), _PANELS, strict=True):
        axes.plot(depth, getattr(signals.predicted, column), color="#165e83", label="mean field theory")
        axes.plot(depth, getattr(signals.measured, column), "o", color="#c4472b", ms=4, label="this network")
        axes.set(xlabel="depth (layers with weights)", ylabel=label)
        axes.set_title(title, fontsize="medium")
        if column != "correlations":
            axes.set_yscale("log")
            low, high = axes.get_ylim()
            # Less than a decade would look like a cliff.
            axes.set_ylim(min(low, (low * high / 10) ** 0.5), max(high, (low * high * 10) ** 0.5))
        else:
            axes.set_ylim(min(-0.05, axes.get_ylim()[0]), 1.05)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
