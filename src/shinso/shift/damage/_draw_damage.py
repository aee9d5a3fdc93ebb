"""The picture of what the shift will cost."""

from math import isfinite
from typing import TYPE_CHECKING

from shinso.shift._colours import INDIGO, QUIET, VERMILION
from shinso.shift.damage._as_text import as_text
from shinso.shift.damage._damage import Damage
from shinso.shift.damage._estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAND = "#dfe9ef"


def draw_damage(damage: Damage, figure: "Figure") -> None:
    """Draw the metric that each method predicts, with its interval, against the reference's.

    Filled marks are trusted, hollow ones on a dashed line are not; the summary stands at the foot. The band is the
    reference's interval. An end that is infinite is an arrow at the picture's edge.
    """
    axes = figure.subplots()
    rows = (*damage.estimates, damage.predicted)
    places = [-float(place) for place in range(len(rows) - 1)] + [-len(rows) + 0.5]
    reference = damage.reference
    edges = _edges((reference, *rows))
    axes.axvspan(max(reference.low, edges[0]), min(reference.high, edges[1]), color=_BAND, linewidth=0, zorder=0)
    axes.axvline(reference.value, color=INDIGO, linewidth=1.2, zorder=1)
    for place, estimate in zip(places, rows, strict=True):
        colour = VERMILION if estimate is damage.predicted else INDIGO
        _row(axes, estimate, place, colour, edges)
        _figures(axes, estimate, place, colour, damage.metric)
    axes.set_xlim(*edges)
    axes.axhline(places[-1] + 0.75, color=QUIET, linewidth=0.6)
    axes.set_yticks(places, [estimate.method for estimate in rows])
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.set_ylim(places[-1] - 0.6, 0.6)
    axes.set_xlabel(f"{damage.metric} on the current rows, {100 * damage.predicted.level:.0f} % intervals")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(_title(damage), loc="left")
    _legend(axes, damage)


def _edges(estimates: tuple[Estimate, ...]) -> tuple[float, float]:
    """What the axis shows: every finite value and end, and a margin."""
    numbers = [number for estimate in estimates for number in (estimate.value, estimate.low, estimate.high)]
    finite = [number for number in numbers if isfinite(number)]
    margin = 0.05 * (max(finite) - min(finite)) or 0.05 * abs(finite[0]) or 0.05
    return min(finite) - margin, max(finite) + margin


def _row(axes: "Axes", estimate: Estimate, place: float, colour: str, edges: tuple[float, float]) -> None:
    style = "-" if estimate.trusted else (0, (2, 2))
    ends = [max(estimate.low, edges[0]), min(estimate.high, edges[1])]
    axes.plot(ends, [place, place], color=colour, linewidth=2, linestyle=style, zorder=2)
    for end, edge, arrow in zip((estimate.low, estimate.high), edges, ("<", ">"), strict=True):
        if not isfinite(end):
            axes.plot(edge, place, arrow, color=colour, markersize=8, clip_on=False, zorder=3)
    face = colour if estimate.trusted else "white"
    axes.plot(estimate.value, place, "o", color=colour, markerfacecolor=face, markersize=7, zorder=3)


def _figures(axes: "Axes", estimate: Estimate, place: float, colour: str, metric: str) -> None:
    low, high = (f"{end:.2f}" if metric == "accuracy" else f"{end:.3g}" for end in (estimate.low, estimate.high))
    axes.annotate(
        f"{as_text(estimate.value, metric)}   {low} to {high}",
        (1.02, place),
        xycoords=("axes fraction", "data"),
        va="center",
        color=colour,
        fontsize="small",
    )


def _title(damage: Damage) -> str:
    verb = "fall" if damage.change < 0 else "rise"
    return f"Without labels, {damage.metric} is predicted to {verb} by {as_text(abs(damage.change), damage.metric)}"


def _legend(axes: "Axes", damage: Damage) -> None:
    from matplotlib.lines import Line2D

    value = as_text(damage.reference.value, damage.metric)
    handles = [
        Line2D([], [], color=INDIGO, linewidth=1.2, label=f"reference, {value}, and its interval"),
        Line2D([], [], color=INDIGO, marker="o", linewidth=2, label="trusted"),
    ]
    if len(damage.trusted) < len(damage.estimates):
        hollow = Line2D([], [], color=INDIGO, marker="o", linewidth=2, linestyle=(0, (2, 2)), markerfacecolor="white")
        hollow.set_label("a diagnostic speaks against it")
        handles.append(hollow)
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize="small")
