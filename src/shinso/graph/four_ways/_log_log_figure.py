"""Curves on axes where a power law is a straight line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class Curve:
    """Points to draw; a guide is a dotted line without points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    is_guide: bool = False


def curves_figure(curves: Sequence[Curve], title: str, x_title: str, y_title: str, *, x_type: str) -> "Figure":
    """A Plotly figure of the curves over a linear or logarithmic ``x_type``; the other axis is logarithmic.

    Zeros, which have no logarithm, are left out.
    """
    from plotly import graph_objects as go

    figure = go.Figure()
    for curve in curves:
        points = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if y > 0]
        mode = "lines" if curve.is_guide else "lines+markers"
        line = {
            "color": curve.colour,
            "width": 1 if curve.is_guide else 2,
            "dash": "dot" if curve.is_guide else "solid",
        }
        x, y = zip(*points, strict=True) if points else ((), ())
        figure.add_scatter(x=x, y=y, mode=mode, name=curve.name, line=line, marker={"size": 4})
    powers = {"exponentformat": "power", "showexponent": "all"}
    # Whole powers of ten alone: between them Plotly would write 2 and 5.
    whole = {"dtick": 1} if _decades(curves) < 8 else {}
    axis = {"gridcolor": "#e4e4e4", "linecolor": "#888888", "ticks": "outside", "automargin": True, "zeroline": False}
    figure.update_layout(
        title={"text": title}, template="none", font={"size": 13}, margin={"t": 90},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        xaxis={**axis, "title": {"text": x_title}, "type": x_type, **(powers if x_type == "log" else {})},
        yaxis={**axis, "title": {"text": y_title}, "type": "log", **powers, **whole},
    )  # fmt: skip
    return figure


def _decades(curves: Sequence[Curve]) -> float:
    heights = [y for curve in curves for y in curve.y if y > 0]
    return math.log10(max(heights) / min(heights)) if heights else 0.0
