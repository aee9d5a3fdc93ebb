"""Regression: what was predicted against what was true."""

import numpy as np

from shinso.record import Record
from shinso.report._figures import NO_LEGEND, axis, figure
from shinso.report._markup import Section
from shinso.report._numbers import number
from shinso.report._optional import latest
from shinso.report._thinning import MOST_POINTS


def section(record: Record) -> Section | None:
    """Predicted by true value for each test example, with the line on which they agree."""
    pairs = latest(record, "test/predictions")
    if pairs is None or len(pairs) == 0:
        return None
    drawn = pairs[np.linspace(0, len(pairs) - 1, min(len(pairs), MOST_POINTS)).astype(int)]
    low, high = float(np.nanmin(pairs)), float(np.nanmax(pairs))
    points = {
        "type": "scatter", "mode": "markers", "x": drawn[:, 0], "y": drawn[:, 1], "showlegend": False,
        "marker": {"size": 5, "opacity": 0.5, "color": "--train"},
    }  # fmt: skip
    agreement = {
        "type": "scatter", "mode": "lines", "x": [low, high], "y": [low, high], "showlegend": False,
        "hoverinfo": "skip", "line": {"color": "--valid", "width": 1.5, "dash": "dot"},
    }  # fmt: skip
    caption = (
        "Each point is a test example, on the dotted line if it was predicted exactly. "
        "A bad sign: a cloud flatter than the line (the network stays near the mean) or one that bends away from it."
    )
    if len(drawn) < len(pairs):
        caption += f" Of {number(len(pairs))} examples {number(len(drawn))}, evenly picked, are drawn."
    layout = {"xaxis": axis("true"), "yaxis": axis("predicted"), "margin": NO_LEGEND}
    return Section(
        "predictions", "What it predicts", figure("predicted", [points, agreement], layout, caption, height=440)
    )
