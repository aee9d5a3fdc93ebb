"""How pictures look on pages of their own: the colours of the report, drawn by matplotlib."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER = "#fcfbf8"
INK = "#20252c"
QUIET = "#5b626c"
RULE = "#e2ded4"
COLOURS = ("#165e83", "#c4472b", "#2f6b3f", "#b8862b", "#6b4c8a", "#4f8fb5", "#8a6d5c", "#20252c")
"""Indigo and vermilion first, as in the report."""

_WITH_KANJI = (
    "Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic", "Hiragino Sans",
    "Hiragino Kaku Gothic ProN", "Yu Gothic", "Meiryo", "MS Gothic", "Noto Sans CJK SC", "Noto Sans CJK KR",
    "WenQuanYi Micro Hei", "PingFang SC", "Microsoft YaHei", "Apple SD Gothic Neo", "Malgun Gothic", "Arial Unicode MS",
)  # fmt: skip
"""Of Linux, macOS and Windows; names of classes and columns are in any language."""

_STYLE: Any = {
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "text.color": INK,
    "font.size": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def drawn(draw: Callable[["Figure"], None], size: tuple[float, float] = (8.0, 4.5)) -> "Figure":
    """The figure of that size in inches that ``draw`` fills; no window, no state of matplotlib's is touched."""
    import matplotlib as mpl
    from cycler import cycler
    from matplotlib.figure import Figure

    style = _STYLE | {"axes.prop_cycle": cycler(color=COLOURS), "font.family": font_families()}
    with mpl.rc_context(style):
        figure = Figure(figsize=size, dpi=160, layout="constrained")
        draw(figure)
        # What is drawn late, such as tick labels, has to be drawn while the style is there.
        figure.draw_without_rendering()
    return figure


def font_families() -> list[str]:
    """matplotlib's own font, and what this machine has for characters that it lacks."""
    from matplotlib import font_manager

    here = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _WITH_KANJI if name in here)]


def band(axes: "Axes", x: Sequence[float], intervals: Sequence[Any], label: str, colour: str) -> None:
    """A line through the means with a band from low to high of :class:`Interval`s."""
    axes.plot(x, [interval.mean for interval in intervals], marker="o", ms=4, label=label, color=colour)
    low, high = [interval.low for interval in intervals], [interval.high for interval in intervals]
    axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
