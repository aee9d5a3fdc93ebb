"""Seconds that calls take, measured in turn so that all of them see the same machine."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch


def seconds_in_turn(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The median seconds of each call over ``rounds`` rounds, after one round that does not count."""
    if rounds < 1:
        raise ValueError(f"measuring needs at least one round; got {rounds}")
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            taken[name].append(seconds(call))
    return {name: statistics.median(times[1:]) for name, times in taken.items()}


def seconds(call: Callable[[], Any]) -> float:
    """How long one call takes, until its device has finished."""
    _finish()
    start = time.perf_counter()
    call()
    _finish()
    return time.perf_counter() - start


def duration_text(value: float | None) -> str:
    """1.23 s, 4.56 ms or 7.89 µs; a dash for None."""
    if value is None:
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


def _finish() -> None:
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
