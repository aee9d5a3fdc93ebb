"""What a record may or may not hold."""

from typing import Any

import numpy as np

from shinso.record import Readings, Record


def series(record: Record, name: str) -> Readings | None:
    """All readings of one series, or None if there are none or if they cannot be stacked."""
    try:
        return record.readings(name)
    except (KeyError, ValueError):
        return None


def latest(record: Record, name: str) -> np.ndarray | None:
    """The last reading of one series, or None."""
    readings = series(record, name)
    return None if readings is None else np.asarray(readings.values[-1])


def labels(record: Record, name: str, count: int) -> list[str]:
    """The names of the ``count`` entries of a series; their positions where none (or not enough) were recorded."""
    readings = series(record, name)
    known = readings.labels if readings is not None else ()
    return [*known[:count], *(str(position) for position in range(len(known), count))]


def happened(record: Record, kind: str) -> dict[str, Any]:
    """The content of the last event of a kind; empty if there was none."""
    events = record.events(kind)
    return events[-1].content if events else {}
