"""Interactive figures as plain Plotly dictionaries; the page draws them in the colours of its own style sheet.

A colour is the name of a custom property of ``style.css``, such as ``--ink``: one figure serves light and dark.
"""

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from shinso.report._markup import captioned

Trace = dict[str, Any]

RISING = [[position / 4, f"--heat-{position}"] for position in range(5)]
FAINT_RISING = [[0.0, "--faint-above"], *RISING[1:]]
TWO_SIDED = [[0.0, "--below"], [0.5, "--heat-0"], [1.0, "--above"]]

LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": "--ink"}}
NO_LEGEND = {"l": 8, "r": 12, "t": 8, "b": 8}

_AXIS = {
    "gridcolor": "--rule", "zeroline": False, "linecolor": "--rule", "tickcolor": "--rule", "ticks": "outside",
    "ticklen": 4, "automargin": True,
}  # fmt: skip
_LAYOUT = {
    "autosize": True, "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)", "hovermode": "closest",
    "margin": {"l": 8, "r": 12, "t": 34, "b": 8}, "font": {"size": 12, "color": "--quiet"},
    "legend": LEGEND,
    "hoverlabel": {"bgcolor": "--paper", "bordercolor": "--rule", "font": {"color": "--ink"}},
}  # fmt: skip


def axis(title: str = "", **options: Any) -> dict[str, Any]:
    """An axis in the page's style with the given Plotly options."""
    return {**_AXIS, **({"title": {"text": title, "standoff": 8, "font": {"size": 12}}} if title else {}), **options}


def step_axis(**options: Any) -> dict[str, Any]:
    """The axis of training steps; it says so at its first number."""
    return axis(tickprefix="step ", showtickprefix="first", rangemode="nonnegative", **options)


def category_axis(names: Sequence[str], most: int = 60, **options: Any) -> dict[str, Any]:
    """An axis of names by position; of more than ``most`` only every so many is written out."""
    step = math.ceil(len(names) / most)
    shown = list(range(0, len(names), step))
    ticks = {"tickmode": "array", "tickvals": shown, "ticktext": [plain(name_on_axis(names[i])) for i in shown]}
    return {**axis(), "showgrid": False, "ticks": "", **ticks, **options}


def plain(text: str) -> str:
    """Text that Plotly, which reads a little HTML, shows as it is; it knows ``&lt;`` but not ``&quot;``."""
    return escape(text, quote=False)


def name_on_axis(name: str) -> str:
    """A long name without its middle: a class is told by how it begins, a layer's path by how it ends."""
    return name if len(name) <= 28 else f"{name[:13]}…{name[-14:]}"


def line(name: str, steps: np.ndarray, values: np.ndarray, colour: str, **options: Any) -> Trace:
    """A curve by step."""
    style = {"color": colour, "width": 2}
    return {"type": "scatter", "mode": "lines", "name": name, "x": steps, "y": values, "line": style, **options}


def figure(
    anchor: str,
    traces: Sequence[Trace],
    layout: Mapping[str, Any],
    caption: str,
    height: int = 340,
    least_width: int = 0,
) -> str:
    """A figure of ``height`` CSS pixels; below ``least_width`` it scrolls inside its box."""
    content = _json({"data": list(traces), "layout": {**_LAYOUT, **layout}})
    size = f"height:{height}px;min-width:{least_width}px"
    name = escape(anchor)
    plot = f'<div class="plot" id="{name}" style="{size}" role="img" aria-label="{escape(caption)}"></div>'
    return captioned(f'{plot}<script type="application/json" data-figure="{name}">{content}</script>', caption)


def _json(content: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in, whatever its texts say."""
    return json.dumps(_jsonable(content), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _jsonable(value: Any) -> Any:
    match value:
        case dict():
            return {key: _jsonable(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_jsonable(entry) for entry in value]
        case np.ndarray() | np.generic():
            return _jsonable(value.tolist())
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
