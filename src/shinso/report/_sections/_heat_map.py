"""A lens as a picture: layers down, steps along."""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from shinso.record import Readings
from shinso.report._figures import RISING, TWO_SIDED, category_axis, figure, name_on_axis, plain, step_axis
from shinso.report._numbers import number

_MOST_COLUMNS = 240


class _Scale(NamedTuple):
    """How values become colours: ``cells`` lie in ``span``, ``ticks`` are written at places of it."""

    cells: np.ndarray
    span: tuple[float, float]
    colours: list[list[Any]]
    ticks: dict[float, str] | None
    remark: str


def heat_map(anchor: str, readings: Readings, caption: str, span: tuple[float, float] | None) -> str:
    """The readings ``[steps, layers]`` as colours, without layers that have none; empty if no layer has any.

    Values over several orders of magnitude are drawn on a logarithmic scale.
    """
    readings = _layers_with_readings(readings)
    names = list(readings.labels)
    if not names:
        return ""
    steps, values = _fewer_columns(readings)
    scale = _scale(values, span)
    if len(steps) < len(readings.steps):
        caption += f" Of {number(len(readings.steps))} readings the greatest of each stretch is drawn."
    rows = max(130, round(len(names) * min(24, max(9, 480 / len(names)))))
    layout = {
        "xaxis": step_axis(showgrid=False),
        "yaxis": category_axis(names, most=rows // 14, autorange="reversed"),
        "margin": {"l": 8, "r": 12, "t": 40, "b": 8},
    }
    least_width = 200 + 7 * max(len(name_on_axis(name)) for name in names)
    return figure(anchor, [_cells(steps, values, names, scale)], layout, caption + scale.remark, rows + 80, least_width)


def _layers_with_readings(readings: Readings) -> Readings:
    """Without the rows of layers that a statistic does not exist for: only some activations can saturate."""
    known = np.flatnonzero(np.isfinite(readings.values).any(axis=0))
    return readings._replace(values=readings.values[:, known], labels=tuple(readings.labels[row] for row in known))


def _cells(
    steps: np.ndarray, values: Float[np.ndarray, "steps layers"], names: list[str], scale: _Scale
) -> dict[str, Any]:
    return {
        "type": "heatmap", "x": steps, "z": scale.cells.T, "zmin": scale.span[0], "zmax": scale.span[1], "ygap": 1,
        "colorscale": scale.colours, "colorbar": _colour_bar(scale.ticks), "hoverongaps": False,
        "text": [[number(value) for value in row] for row in values.T],
        "meta": [plain(name) for name in names],  # figures.js hands each cell the name of its row
        "hovertemplate": "%{customdata}<br>%{x}: %{text}<extra></extra>",
    }  # fmt: skip


def _fewer_columns(readings: Readings) -> tuple[np.ndarray, Float[np.ndarray, "steps layers"]]:
    values = readings.values.astype(np.float64)
    if len(values) <= _MOST_COLUMNS:
        return readings.steps, values
    stretches = np.array_split(np.arange(len(values)), _MOST_COLUMNS)
    # The greatest by fmax: a gap is drawn only where a stretch holds nothing else.
    greatest = np.stack([np.fmax.reduce(values[stretch], axis=0) for stretch in stretches])
    return np.array([readings.steps[stretch[-1]] for stretch in stretches]), greatest


def _scale(values: Float[np.ndarray, "steps layers"], span: tuple[float, float] | None) -> _Scale:
    finite = values[np.isfinite(values)]
    gaps = " Blank cells have no finite reading." if finite.size < values.size else ""
    if span is not None:
        return _Scale(values, span, RISING, None, gaps)
    if finite.size and finite.min() < 0:
        far = float(np.abs(finite).max())
        return _Scale(values, (-far, far), TWO_SIDED, None, gaps)
    positive = finite[finite > 0]
    if positive.size and positive.max() > 100 * positive.min():
        return _logarithmic(values, positive)
    return _Scale(values, (0.0, float(finite.max(initial=0.0)) or 1.0), RISING, None, gaps)


def _logarithmic(values: Float[np.ndarray, "steps layers"], positive: Float[np.ndarray, " some"]) -> _Scale:
    cells = np.log10(values, out=np.full(values.shape, np.nan), where=np.isfinite(values) & (values > 0))
    low, high = float(np.log10(positive.min())), float(np.log10(positive.max()))
    every = max(1, math.ceil((high - low) / 5))
    ticks = {float(power): f"10<sup>{power}</sup>" for power in range(math.ceil(low), math.floor(high) + 1, every)}
    gaps = " Blank cells are exactly zero or not finite." if np.isnan(cells).any() else ""
    return _Scale(cells, (low, high), RISING, ticks, f" The colours are logarithmic.{gaps}")


def _colour_bar(ticks: dict[float, str] | None) -> dict[str, Any]:
    bar = {
        "orientation": "h", "thickness": 8, "len": 0.5, "x": 1, "xanchor": "right", "y": 1.01, "yanchor": "bottom",
        "outlinewidth": 0, "tickfont": {"size": 11}, "ticklabelposition": "outside top", "xpad": 0, "ypad": 4,
    }  # fmt: skip
    if ticks is None:
        return bar
    return {**bar, "tickmode": "array", "tickvals": list(ticks), "ticktext": list(ticks.values())}
