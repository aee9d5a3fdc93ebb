"""The picture of what the shift will cost."""

from typing import TYPE_CHECKING

from shinso.shift._colours import INDIGO, QUIET, VERMILION
from shinso.shift.damage._damage import Damage
from shinso.shift.damage._estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BAND = "#dfe9ef"


def draw_damage(damage: Damage, figure: "Figure") -> None:
    """Draw the metric that each method predicts, with its interval, against the reference's.

    Filled marks are trusted, hollow ones on a dashed line are not; the summary stands at the foot. The band is the
    reference's interval.
    """
    axes = figure.subplots()
    rows = (*damage.estimates, damage.predicted)
    places = [-float(place) for place in range(len(rows) - 1)] + [-len(rows) + 0.5]
    reference = damage.reference
    axes.axvspan(reference.low, reference.high, color=_BAND, linewidth=0, zorder=0)
    axes.axvline(reference.value, color=INDIGO, linewidth=1.2, zorder=1, label=f"reference, {reference.value:.3f}")
    for place, estimate in zip(places, rows, strict=True):
        _row(axes, estimate, place, VERMILION if estimate is damage.predicted else INDIGO)
    axes.axhline(places[-1] + 0.75, color=QUIET, linewidth=0.6)
    axes.set_yticks(places, [estimate.method for estimate in rows])
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.set_ylim(places[-1] - 0.6, 0.6)
    axes.set_xlabel(f"{damage.metric} on the current rows, {100 * damage.predicted.level:.0f} % intervals")
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(_title(damage), loc="left")
    _legend(axes, damage)


def _row(axes: "Axes", estimate: Estimate, place: float, colour: str) -> None:
    style = "-" if estimate.trusted else (0, (2, 2))
    axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=2, linestyle=style, zorder=2)
    face = colour if estimate.trusted else "white"
    axes.plot(estimate.value, place, "o", color=colour, markerfacecolor=face, markersize=7, zorder=3)
    axes.annotate(
        f"{estimate.value:.3f}   {estimate.low:.2f} to {estimate.high:.2f}",
        (1.02, place),
        xycoords=("axes fraction", "data"),
        va="center",
        color=colour,
        fontsize="small",
    )


def _title(damage: Damage) -> str:
    verb = "fall" if damage.change < 0 else "rise"
    return f"Without labels, {damage.metric} is predicted to {verb} by {abs(damage.change):.3f}"


def _legend(axes: "Axes", damage: Damage) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=INDIGO, linewidth=1.2, label=f"reference, {damage.reference.value:.3f}, and its interval"),
        Line2D([], [], color=INDIGO, marker="o", linewidth=2, label="trusted"),
    ]
    if len(damage.trusted) < len(damage.estimates):
        hollow = Line2D([], [], color=INDIGO, marker="o", linewidth=2, linestyle=(0, (2, 2)), markerfacecolor="white")
        hollow.set_label("a diagnostic speaks against it")
        handles.append(hollow)
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize="small")
