"""What the catalogue says of a network."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Network:
    """A network by name: the function that builds it, and where it comes from."""

    function: Callable[..., nn.Module]
    """Called with ``num_classes`` and ``in_channels``; returns the network with fresh weights."""
    year: int
    input_shape: tuple[int, ...]
    """Of one example as published, [channels, height, width]."""
    paper: str
    """Title and arXiv number, or where it appeared."""
