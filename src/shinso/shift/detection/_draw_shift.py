"""The picture of a shift."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from shinso.shift._colours import CURRENT, QUIET, REFERENCE
from shinso.shift.detection._feature_shift import FeatureShift
from shinso.shift.detection._shift_report import ShiftReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SHOWN, _HISTOGRAMS, _BARS, _LETTERS = 14, 3, 8, 18
_YEARS_1_TO_9999 = (-719_162, 2_932_896)
"""In days since 1970, as matplotlib counts: all that it can draw."""


def draw_shift(report: ShiftReport, figure: "Figure") -> None:
    """Draw each feature's effect with its interval, the largest on top, and both samples of the three most moved.

    A good size is 10 × 5.5 inches. Raises ValueError where no feature was tested by itself.
    """
    if not report.features:
        raise ValueError("no feature was tested by itself, so there are no effects to draw")
    shown, pictured = report.features[:_SHOWN], (report.moved_features or report.features)[:_HISTOGRAMS]
    figure.set_layout_engine("constrained")
    grid = figure.add_gridspec(len(pictured), 2, width_ratios=(1.25, 1))
    _effects(report, shown, figure.add_subplot(grid[:, 0]))
    for row, feature in enumerate(pictured):
        axes = figure.add_subplot(grid[row, 1])
        (_curves if feature.kind in ("numeric", "date") else _bars)(feature, axes)
        axes.set_title(f"{_short(feature.name, 30)}: {_plain(feature.change)}", loc="left", fontsize="small")
        axes.tick_params(labelsize="small")
        axes.spines[["top", "right"]].set_visible(False)
        if row == 0:
            axes.legend(frameon=False, fontsize="small")


def _effects(report: ShiftReport, shown: tuple[FeatureShift, ...], axes: "Axes") -> None:
    places = np.arange(len(shown))
    moved = np.array([feature.corrected_p <= report.level for feature in shown])
    effects, low, high = (np.array([getattr(feature, name) for feature in shown]) for name in ("effect", "low", "high"))
    for which, colour, label in ((moved, CURRENT, "moved"), (~moved, QUIET, "not shown to have moved")):
        if which.any():
            axes.hlines(places[which], low[which], high[which], color=colour, linewidth=5, alpha=0.3)
            axes.plot(effects[which], places[which], "o", color=colour, markersize=6, label=label)
    axes.set_yticks(places, [_short(feature.name, _LETTERS) for feature in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(0, min(1.0, 1.08 * float(high.max())) if high.max() > 0 else 1.0)
    axes.set_xlabel("effect: largest difference of probability, with 95 % interval")
    axes.grid(axis="x", color="#e3e5e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.legend(frameon=False, loc="lower right")
    verdict = "The data have moved" if report.moved else "No shift shown"
    rest = (
        f"\nThe {len(shown)} largest effects of {len(report.features):,} features"
        if len(report.features) > len(shown)
        else ""
    )
    axes.set_title(
        f"{verdict}: p = {report.p_value:.2g}\n"
        f"{report.reference_rows:,} reference and {report.current_rows:,} current rows{rest}",
        loc="left",
    )


def _curves(feature: FeatureShift, axes: "Axes") -> None:
    edges = np.array([float(edge) for edge in feature.histogram.cells])
    if feature.kind == "date":
        dates: Any = import_module("matplotlib.dates")  # Any: its classes have no annotations
        edges = np.clip(edges / 86_400, *_YEARS_1_TO_9999)
        axes.set_xlim(edges[0], edges[-1])  # without a margin, which might reach into the year 10,000
        # With more than two ticks asked for, it finds no step for some spans, as of four days or four months.
        locator = dates.AutoDateLocator(minticks=2, maxticks=6)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    for shares, colour, label in _both(feature):
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.22)
        axes.stairs(shares, edges, color=colour, linewidth=1.4, label=label)
    axes.set_ylabel("share", fontsize="small")
    axes.set_ylim(bottom=0)


def _bars(feature: FeatureShift, axes: "Axes") -> None:
    before, after = np.array(feature.histogram.reference), np.array(feature.histogram.current)
    # The levels that moved most are those to see; their order stays that of their frequency.
    shown = np.sort(np.argsort(-np.abs(after - before), kind="stable")[:_BARS])
    for (shares, colour, label), away in zip(_both(feature), (-0.2, 0.2), strict=True):
        axes.bar(np.arange(len(shown)) + away, np.array(shares)[shown], 0.38, color=colour, alpha=0.85, label=label)
    axes.set_xticks(np.arange(len(shown)), [_short(str(feature.histogram.cells[place]), 12) for place in shown])
    axes.set_ylabel("share", fontsize="small")


def _both(feature: FeatureShift) -> list[tuple[tuple[float, ...], str, str]]:
    return [
        (feature.histogram.reference, REFERENCE, "reference"),
        (feature.histogram.current, CURRENT, "current"),
    ]


def _short(name: str, most: int) -> str:
    return _plain(name if len(name) <= most else name[: most - 1] + "…")


def _plain(text: str) -> str:
    # What is between two of them would be set, or refused, as a formula.
    return text.replace("$", r"\$")
