"""Readings that are not a series by layer: values by layer at one step, profiles, grids and pictures."""

import numpy as np
from jaxtyping import Float, UInt8

from shinso.record import Readings
from shinso.report._figures import (
    NO_LEGEND,
    RISING,
    TWO_SIDED,
    axis,
    category_axis,
    figure,
    line,
    name_on_axis,
    plain,
)
from shinso.report._markup import captioned, picture
from shinso.report._numbers import number
from shinso.report._pictures import png_data_uri

_MOST_CELLS = 200


def bars(anchor: str, values: Float[np.ndarray, " entries"], labels: tuple[str, ...], caption: str) -> str:
    """One bar for each labelled entry, the first at the top; on a logarithmic axis where values differ by 10³."""
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    is_wide = len(known) > 1 and (values[np.isfinite(values)] > 0).all() and known.max() / known.min() > 1e3
    trace = {
        "type": "bar", "orientation": "h", "x": values, "y": list(range(len(values))), "marker": {"color": "--train"},
        "customdata": [f"{plain(label)}: {number(value)}" for label, value in zip(labels, values, strict=True)],
        "hovertemplate": "%{customdata}<extra></extra>", "showlegend": False,
    }  # fmt: skip
    height = round(len(values) * min(26, max(10, 480 / len(values)))) + 60
    layout = {
        "xaxis": axis(type="log" if is_wide else "linear"),
        "yaxis": category_axis(list(labels), most=height // 14, autorange="reversed"),
        "margin": NO_LEGEND,
    }
    return figure(anchor, [trace], layout, caption, height, 200 + 7 * max(len(name_on_axis(name)) for name in labels))


def profile(anchor: str, readings: Readings, caption: str) -> str:
    """A vector at the last step it was read as a curve by position, and at the first step where there are several."""
    last = _curve(readings, -1, "--train")
    curves = [_curve(readings, 0, "--rule"), last] if len(readings.steps) > 1 else [last]
    return figure(anchor, curves, {"xaxis": axis("entry"), "yaxis": axis()}, caption, height=260)


def grid(anchor: str, values: Float[np.ndarray, "rows columns"], caption: str) -> str:
    """A matrix as colours."""
    if max(values.shape) > _MOST_CELLS:
        steps = [-(-size // _MOST_CELLS) for size in values.shape]
        values = values[:: steps[0], :: steps[1]]
        caption += " Of so many values only some are drawn."
    finite = values[np.isfinite(values)]
    greatest = float(np.abs(finite).max()) if len(finite) else 1.0
    is_signed = bool((finite < 0).any())
    trace = {
        "type": "heatmap", "z": values, "zmin": -greatest if is_signed else 0, "zmax": greatest or 1.0,
        "colorscale": TWO_SIDED if is_signed else RISING, "hoverongaps": False,
    }  # fmt: skip
    layout = {"xaxis": axis(showgrid=False), "yaxis": axis(showgrid=False, autorange="reversed"), "margin": NO_LEGEND}
    return figure(anchor, [trace], layout, caption, height=360)


def shown(pixels: UInt8[np.ndarray, "height width channels"], words: str, caption: str) -> str:
    """A picture that a lens drew."""
    return captioned(picture(png_data_uri(pixels), words, min(pixels.shape[1], 900)), caption)


def _curve(readings: Readings, place: int, colour: str) -> dict[str, object]:
    values = np.asarray(readings.values[place], dtype=float)
    name = f"step {number(readings.steps[place])}"
    return line(name, np.arange(len(values)), values, colour, showlegend=len(readings.steps) > 1)
