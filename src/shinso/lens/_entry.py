"""What the catalogue of lenses knows about a lens."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from shinso.lens._lens import Lens


class Cost(Enum):
    """What looking costs, and so in which battery a lens is; each battery holds the cheaper ones too."""

    LIGHT = "light"
    """Always on: a few hundredths of the training time."""
    STANDARD = "standard"
    """At most a fifth of the training time."""
    FULL = "full"
    """A multiple of the training time while it looks."""
    OFFLINE = "offline"
    """For a trained model; in training only at a few chosen steps."""


@dataclass(frozen=True)
class Entry:
    """One lens of the catalogue."""

    make: Callable[[], Lens]
    """The lens with its default settings."""
    cost: Cost
    source: str
    """Where it is defined: paper, lecture."""
    at_rest: bool = True
    """Whether it says something of a network that is not being trained."""
