"""The random generators of Python and of NumPy, from which models and losses may draw beside torch's."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

_States = tuple[Any, Any]


class OtherGenerators:
    """Their states at the time this was made, from which functions draw; they are left as they were."""

    def __init__(self) -> None:
        self._start = _states()
        self._draw_nothing: set[int] = set()
        """The ids of functions that were seen not to draw from them, as most do not."""

    @contextmanager
    def put_back(self, function: Callable[..., Any]) -> Iterator[None]:
        """Run the function while the context lasts."""
        if id(function) in self._draw_nothing:
            # To ask for the states takes longer than to run a small network.
            yield
            return
        before = _states()
        _set(self._start)
        try:
            yield
        finally:
            if _are(self._start):
                self._draw_nothing.add(id(function))
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
    same_numpy = all(np.array_equal(now, before) for now, before in zip(of_numpy, states[1], strict=True))
    return of_python == states[0] and same_numpy


def _set(states: _States) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])
