"""Which examples of a set are compared when data have moved, and what a reader has to know of the others."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from shinso.data import DataSet, Split

_MOST_EXAMPLES = 10_000


@dataclass(frozen=True)
class Sample:
    """Examples of one source."""

    split: Split
    places: Int[Tensor, " chosen"]
    """Which of the split's examples, in order."""
    notes: tuple[str, ...]
    """What is not compared."""


def sample(source: str, data: DataSet, split: Split, seed: int) -> Sample:
    """At most 10,000 random examples of a part of the set."""
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed))
    notes = (*_notes(source, data, split), *_drawn(source, len(split)))
    return Sample(split, order[:_MOST_EXAMPLES].sort().values, notes)


def _notes(source: str, data: DataSet, split: Split) -> tuple[str, ...]:
    notes = []
    if split is data.train and len(data.valid) + len(data.test):
        notes.append(f"of {source} only the training part is compared")
    count = len(data.left_out)
    if count:
        notes.append(
            f"{count:,} of {source} cannot be used and {'were' if count > 1 else 'was'} left out "
            f"({'the first: ' * (count > 1)}{data.left_out[0]}); numbers of rows do not count what was left out"
        )
    return tuple(notes)


def _drawn(source: str, count: int) -> tuple[str, ...]:
    if count <= _MOST_EXAMPLES:
        return ()
    return (f"of the {count:,} examples of {source}, {_MOST_EXAMPLES:,} drawn at random are compared",)
