"""The picture of a watched stream."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shinso.shift._colours import CURRENT, QUIET, REFERENCE
from shinso.shift.detection._stream import Window

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_stream(windows: Sequence[Window], figure: "Figure", level: float = 0.05) -> None:
    """Draw each window's effect, and the evidence against the line where the alarm is.

    Give the ``level`` that ``detect_stream`` had. A good size is 8 × 5 inches. Raises ValueError for no windows.
    """
    if not windows:
        raise ValueError("there are no windows to draw")
    figure.set_layout_engine("constrained")
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (1, 1.3)})
    places = [window.index for window in windows]
    colours = [CURRENT if window.alarm else REFERENCE for window in windows]
    above.vlines(places, 0, [window.effect for window in windows], color=colours, linewidth=1.5)
    above.scatter(places, [window.effect for window in windows], color=colours, s=22, zorder=3)
    above.axhline(0, color=QUIET, linewidth=0.8)
    above.set_ylabel("effect in the window")
    below.plot(places, [window.evidence for window in windows], color=QUIET, linewidth=1.2, zorder=1)
    below.scatter(places, [window.evidence for window in windows], color=colours, s=22, zorder=3)
    below.axhline(1 / level, color=CURRENT, linewidth=1.2, linestyle=(0, (4, 3)), label=f"alarm: 1 / {level:g}")
    below.set_yscale("log")
    below.set_ylabel("evidence of a change (log)")
    below.set_xlabel("window")
    below.xaxis.get_major_locator().set_params(integer=True)
    below.legend(frameon=False, loc="upper left")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    alarmed = next((window.index for window in windows if window.alarm), None)
    words = "no alarm" if alarmed is None else f"alarm at window {alarmed}"
    above.set_title(f"{len(windows)} windows: {words}", loc="left")
