"""Time: how fast it trained, and what happened on the way."""

import numpy as np

from shinso.record import Event, Record
from shinso.report._figures import NO_LEGEND, axis, figure, line
from shinso.report._markup import Section, captioned, definitions, table
from shinso.report._numbers import duration, number
from shinso.report._optional import happened

_MOST_EVENTS = 40
_WORDS = {"resume": "resumed", "stop": "interrupted", "failure": "failed", "finish": "finished"}


def section(record: Record) -> Section | None:
    """Speed by epoch, the totals, and the events that changed the run's course."""
    body = _speed(record) + _totals(record) + _course(record)
    return Section("time", "Time and throughput", body) if body else None


def _speed(record: Record) -> str:
    epochs = [event.content for event in record.events("throughput")]
    if not epochs:
        return ""
    numbers = np.array([epoch["epoch"] for epoch in epochs])
    rates = np.array([epoch["examples_per_second"] for epoch in epochs], np.float64)
    marked = {"mode": "lines+markers", "marker": {"size": 5}, "showlegend": False}
    caption = (
        "Training examples per second, by epoch. "
        "A bad sign: it falls as training goes on (memory runs short, the machine throttles or is shared)."
    )
    horizontal = axis(tickprefix="epoch ", showtickprefix="first")
    layout = {"xaxis": horizontal, "yaxis": axis(rangemode="tozero"), "margin": NO_LEGEND}
    return figure("speed", [line("", numbers, rates, "--train", **marked)], layout, caption, height=200)


def _totals(record: Record) -> str:
    finish = happened(record, "finish")
    if "seconds" in finish:
        finish["training time"] = duration(finish.pop("seconds"))
    return definitions(finish) if finish else ""


def _course(record: Record) -> str:
    """What interrupted the run or set it going again, in order; a run that simply finished needs no list."""
    events = [event for event in record.events() if event.kind in _WORDS]
    if all(event.kind == "finish" for event in events):
        return ""
    rows = [_row(event, record.events()[0].time) for event in events[-_MOST_EVENTS:]]
    caption = (
        "What interrupted the run or set it going again, and how long after its start. "
        "A bad sign: the same failure twice."
    )
    return captioned(table(("after", "what", "step", "note"), rows), caption)


def _row(event: Event, start: float) -> tuple[str, str, str, str]:
    step = event.content.get("step", event.step)
    note = event.content.get("reason") or event.content.get("message") or ""
    return duration(event.time - start), _WORDS[event.kind], "–" if step is None else number(step), str(note)
