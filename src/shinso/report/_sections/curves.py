"""How the run learned: loss, accuracy (or the error of a regression) and learning rate by step."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from shinso.record import Readings, Record
from shinso.report._figures import Trace, axis, figure, line, step_axis
from shinso.report._markup import Section
from shinso.report._numbers import number
from shinso.report._optional import happened, series
from shinso.report._thinning import MOST_POINTS, smoothed, thinned

_COLOURS = {"train": "--train", "valid": "--valid"}
_FEW_POINTS = 60

_LOSS_CAPTION = (
    "Loss by step; lower is better, and training is measured while the network still changes. A bad sign: validation "
    "turns upward while training falls (overfitting), or the curve jumps or breaks off (diverging)."
)
_RATE_CAPTION = (
    "Learning rate by step: how far each update may go. A bad sign: the loss jumps where this is highest, or stops "
    "moving long before this has come down."
)
_METRICS = {
    "accuracy": (
        "Accuracy",
        "Share of examples classified correctly, by step; higher is better. "
        "A bad sign: training rises while validation stands still or falls (overfitting).",
    ),
    "rmse": (
        "RMSE",
        "Root mean squared error in the target’s units, by step; lower is better. "
        "A bad sign: validation turns upward while training falls (overfitting).",
    ),
    "r2": (
        "R²",
        "Share of the target’s variance explained, by step; 1 is perfect. "
        "A bad sign: at or below 0, where always answering the mean would do as well.",
    ),
}


def section(record: Record) -> Section | None:
    """The curves that have readings, the loss first and wide."""
    small = "".join(_metric(record, name) for name in _METRICS) + _learning_rate(record)
    body = _loss(record) + (f'<div class="pair">{small}</div>' if small else "")
    return Section("learning", "How it learned", body) if body else None


def _loss(record: Record) -> str:
    train, valid = series(record, "train/loss"), series(record, "valid/loss")
    traces, remark = _training_loss(train) if train else ([], "")
    traces += [_curve("valid", valid)] if valid else []
    if not traces:
        return ""
    button = '<button type="button" data-log="loss" aria-pressed="false">logarithmic</button>'
    layout = {"xaxis": step_axis(), "yaxis": axis(), **_best(record)}
    drawn = figure("loss", traces, layout, _LOSS_CAPTION + remark, height=360)
    return f'<div class="plot-head"><h3>Loss</h3>{button}</div>{drawn}'


def _training_loss(train: Readings) -> tuple[list[Trace], str]:
    """The readings, faint, and their smoothing; and in words what was done to them."""
    window = len(train.values) // 100 * 2 + 1
    if window == 1:
        return [_curve("train", train)], ""
    raw = _curve("train", train) | {"name": "train, each step", "opacity": 0.3, "hoverinfo": "skip"}
    raw["line"] = {**raw["line"], "width": 1}
    smooth = _curve("train", train._replace(values=smoothed(train.values, window)))
    remark = f" The strong training line is the mean over {window} neighbouring steps, the faint one every step."
    if len(train.values) > MOST_POINTS:
        count = number(len(train.values))
        remark += f" Of {count} readings the least and the greatest of each stretch are drawn, so no spike is lost."
    return [raw, smooth], remark


def _curve(part: str, readings: Readings) -> Trace:
    kept = thinned(readings.values)
    marked = {"mode": "lines+markers", "marker": {"size": 5}} if len(kept) <= _FEW_POINTS else {}
    return line(part, readings.steps[kept], readings.values[kept], _COLOURS[part], **marked)


def _best(record: Record) -> dict[str, Sequence[object]]:
    """A mark at the step whose weights were kept as the best."""
    step = happened(record, "finish").get("best_step")
    if step is None:
        return {}
    upright = {"type": "line", "x0": step, "x1": step, "yref": "paper", "y0": 0, "y1": 1}
    word = {"x": step, "yref": "paper", "y": 1, "text": "best", "showarrow": False, "xanchor": "right", "xshift": -4}
    return {
        "shapes": [{**upright, "line": {"color": "--quiet", "width": 1, "dash": "dot"}}],
        "annotations": [{**word, "yanchor": "top"}],
    }


def _metric(record: Record, name: str) -> str:
    found = {part: series(record, f"{part}/{name}") for part in _COLOURS}
    traces = [_curve(part, readings) for part, readings in found.items() if readings]
    if not traces:
        return ""
    title, caption = _METRICS[name]
    vertical = axis(tickformat=".0%") if name == "accuracy" else axis()
    return _small(title, figure(name, traces, _layout(vertical), caption, height=260))


def _learning_rate(record: Record) -> str:
    readings = series(record, "learning_rate")
    if readings is None:
        return ""
    kept = thinned(readings.values)
    trace = line("learning rate", readings.steps[kept], readings.values[kept], "--train", showlegend=False)
    layout = _layout(axis(rangemode="tozero"))
    return _small("Learning rate", figure("learning-rate", [trace], layout, _RATE_CAPTION, height=260))


def _layout(vertical: Mapping[str, Any]) -> dict[str, Any]:
    return {"xaxis": step_axis(), "yaxis": vertical}


def _small(title: str, drawn: str) -> str:
    return f"<div><h3>{escape(title)}</h3>{drawn}</div>"
