"""When to look: functions from a step's number, counted from 1, to whether something is due."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from shinso.lens._lens import Lens

Schedule = Callable[[int], bool]


@dataclass(frozen=True)
class Scheduled:
    """A lens with a schedule of its own, for the list of lenses given to ``watch``."""

    lens: Lens
    due: Schedule


def every(steps: int) -> Schedule:
    """Due at step 1 and each ``steps`` steps after it; raises ValueError if ``steps`` is not at least 1.

    >>> [step for step in range(1, 50) if every(20)(step)]
    [1, 21, 41]
    """
    if steps < 1:
        raise ValueError(f"a schedule needs a positive number of steps between readings; got {steps}")
    return lambda step: step % steps == 1 % steps


def at(*steps: int) -> Schedule:
    """Due at the named steps only.

    >>> [step for step in range(1, 50) if at(1, 7)(step)]
    [1, 7]
    """
    return frozenset(steps).__contains__


def log_spaced(per_decade: int) -> Schedule:
    """Due ``per_decade`` times between each power of ten and the next, evenly on a logarithmic axis.

    Raises ValueError if ``per_decade`` is not at least 1.

    >>> [step for step in range(1, 1001) if log_spaced(3)(step)]
    [1, 2, 5, 10, 22, 46, 100, 215, 464, 1000]
    """
    if per_decade < 1:
        raise ValueError(f"a logarithmic schedule needs at least one reading per decade; got {per_decade}")

    def due(step: int) -> bool:
        # A point 10^(k / per_decade) rounds to this step when it lies within half a step of it.
        below, above = (math.floor(per_decade * math.log10(step + half)) for half in (-0.5, 0.5))
        return above > below

    return due
