"""What the catalogue of parts knows about a part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Part:
    """A part that networks are built from: a module's class or a function, torch's where torch has it."""

    make: Callable[..., Any]
    kind: str
    """The field's word for what it is: activation, convolution, pooling, normalization, loss, …"""
    source: str
    """Paper and lecture."""
