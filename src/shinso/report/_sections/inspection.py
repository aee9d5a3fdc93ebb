"""A look into the trained network: what each lens read, with its picture, and what could not be read and why."""

from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from shinso.record import Record
from shinso.report._markup import Section, table
from shinso.report._numbers import number
from shinso.report._optional import latest, series
from shinso.report._sections._arrays import bars, grid, profile, shown

_PREFIX = "inspect/"
_MOST_NUMBERS = 12


def section(record: Record) -> Section | None:
    """One part for each lens, as it last looked."""
    events = {event.content["lens"]: event.content for event in record.events("inspection")}
    if not events:
        return None
    looked = [_lens(record, content) for content in events.values() if not content["left_out"]]
    left_out = [(name, content["left_out"]) for name, content in events.items() if content["left_out"]]
    why = f"<h3>Not read</h3>{table(('lens', 'why'), left_out)}" if left_out else ""
    return Section("inspection", "A look into the trained network", "".join(looked) + why)


def _lens(record: Record, content: Mapping[str, Any]) -> str:
    title = content["lens"].replace("_", " ")
    meaning, source = escape(content["meaning"].replace("``", "")), escape(content["source"])
    drawn = latest(record, f"{_PREFIX}{content['lens']}/picture")
    names = _worth_drawing(content["readings"])
    scalars = [(_short(name), number(record.last_scalars()[name])) for name in names if name in record.last_scalars()]
    figures = "" if drawn is not None else "".join(_array(record, name) for name in names)
    parts = [
        f"<h3>{escape(title[:1].upper() + title[1:])}</h3>",
        f'<p>{meaning} <span class="quiet">({source})</span></p>',
        shown(drawn, title, f"Drawn from the readings of {content['lens']}.") if drawn is not None else "",
        table(("reading", "value"), scalars[:_MOST_NUMBERS]) if scalars else "",
        figures,
    ]
    return "".join(parts)


def _worth_drawing(names: list[str]) -> list[str]:
    """Without those by unit, of which there is one for each layer: what comes before and after it is the same."""
    patterns = Counter((parts[1], parts[-1]) for name in names if len(parts := name.split("/")) > 3)
    return [name for name in names if len(parts := name.split("/")) <= 3 or patterns[parts[1], parts[-1]] < 3]


def _array(record: Record, name: str) -> str:
    readings = series(record, name)
    if readings is None or readings.values.ndim < 2 or not np.isfinite(readings.values[-1]).any():
        return ""
    values, anchor = np.asarray(readings.values[-1]), name.replace("/", "-")
    caption = f"{_short(name).replace('_', ' ')}. A bad sign: entries that stand far out from the others."
    if values.ndim == 1 and len(readings.labels) == len(values):
        return bars(anchor, values.astype(float), readings.labels, caption)
    if values.ndim == 1:
        return profile(anchor, readings._replace(values=readings.values[-1:], steps=readings.steps[-1:]), caption)
    if values.ndim == 2:
        return grid(anchor, values.astype(float), caption)
    return ""


def _short(name: str) -> str:
    return name.removeprefix(_PREFIX)
