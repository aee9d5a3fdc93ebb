"""The random generators of Python and of NumPy, from which models and losses may draw beside torch's."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_States = tuple[Any, Any]


class OtherGenerators:
    """Their states at one time, from which functions draw at each run; they are left as they were.

    Of functions that were seen not to draw nothing is kept: to ask for the states takes longer than a small network.
    """

    def __init__(self) -> None:
        self._start: _States | None = None
        self._draws: dict[int, bool] = {}
        """By the id of each function that was run."""

    def start_here(self) -> None:
        """Let functions draw from the states as they are now."""
        self._start = None if self._draws and not any(self._draws.values()) else _states()

    @contextmanager
    def put_back(self, function: Callable[..., Any]) -> Iterator[None]:
        """Run the function while the context lasts."""
        if self._draws.get(id(function)) is False:
            yield
            return
        before = _states()
        start = self._start or before
        _set(start)
        try:
            yield
        finally:
            self._draws[id(function)] = self._draws.get(id(function), False) or not _are(start)
            _set(before)


@contextmanager
def other_generators_unmoved() -> Iterator[None]:
    """Leave them as they were, whoever draws while the context lasts."""
    before = _states()
    try:
        yield
    finally:
        if not _are(before):
            _set(before)


def _states() -> _States:
    return random.getstate(), np.random.get_state()


def _are(states: _States) -> bool:
    of_python, of_numpy = _states()
    same_numpy = of_numpy[2:] == states[1][2:] and bool((of_numpy[1] == states[1][1]).all())
    return of_python == states[0] and same_numpy


def _set(states: _States) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
