"""Writing readings so that each series stays one rectangle: the same entries in the same order at every step."""

import numpy as np

from shinso.lens._pending import Pending
from shinso.record import Record


class Ledger:
    """Writes readings to a record; a layer that runs at some steps only has NaN at the others."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._labels: dict[str, tuple[str, ...]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def write(self, pending: Pending) -> None:
        """Write the readings of one step."""
        arrays = pending.arrays()
        self._record.scalars(pending.step, {name: float(value) for name, value in arrays.items() if value.ndim == 0})
        placed = {}
        for name, value in arrays.items():
            if pending.labels[name]:
                placed[name] = self._under_its_labels(name, value, pending.labels[name])
            elif value.ndim:
                placed[self._name_for(name, value.shape)] = value
        # All at once, because each statement takes as long as many rows.
        self._record.arrays(pending.step, placed)

    def _under_its_labels(self, name: str, value: np.ndarray, labels: tuple[str, ...]) -> np.ndarray:
        """The entries in the order of all labels known so far; new ones are written down, and earlier steps widened."""
        written = self._labels.get(name)
        if labels == written:
            return value
        known = written or self._recorded_labels(name) or labels
        self._labels[name] = known + tuple(label for label in labels if label not in known)
        if len(self._labels[name]) > len(known):
            self._widen(name, known)
        if self._labels[name] != written:
            self._record.labels(name, self._labels[name])
        return _aligned(value, labels, self._labels[name])

    def _widen(self, name: str, known: tuple[str, ...]) -> None:
        steps, values, _ = self._record.readings(name)
        for step, value in zip(steps, values, strict=True):
            self._record.array(int(step), name, _aligned(value, known, self._labels[name]))

    def _recorded_labels(self, name: str) -> tuple[str, ...]:
        return self._record.readings(name).labels if name in self._record.names() else ()

    def _name_for(self, name: str, shape: tuple[int, ...]) -> str:
        """A name of its own for a series whose number of units changes between steps."""
        return name if self._shapes.setdefault(name, shape) == shape else f"{name} {list(shape)}"


def _aligned(value: np.ndarray, labels: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    if labels == wanted:
        return value
    entries = dict(zip(labels, value, strict=True))
    missing = np.full(value.shape[1:], np.nan, value.dtype)
    return np.stack([entries.get(label, missing) for label in wanted])
