"""Batches of an epoch: which examples, in what order, changed how.

All is a function of seed, epoch and position, so that a resumed run continues with exactly the batch that was due,
and several processes divide exactly the batches that one would see.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Protocol

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from shinso.data import Split
from shinso.training._augment import ImageChanges, Mixing

# Examples are gathered, converted and augmented for several batches at once: large enough to amortise, small enough
# for the cache.
_CHUNK_BYTES = 8 * 2**20


class Mixed(NamedTuple):
    """The second targets of a batch of mixed examples, and the weight of the first."""

    targets: Tensor
    weight: float
    example_weights: Float[Tensor, " batch"] | None = None
    """Of the second examples."""


class Batch(NamedTuple):
    """Inputs ready for the network, and their targets."""

    inputs: Shaped[Tensor, "batch *input"]
    targets: Shaped[Tensor, "batch *target"]
    mixed: Mixed | None = None
    weights: Float[Tensor, " batch"] | None = None
    """How much each example counts in the loss; all alike if None."""


class Batches(Protocol):
    """Training batches by epoch."""

    @property
    def per_epoch(self) -> int | None:
        """Batches in an epoch, None where that is not known beforehand."""
        ...

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from the one numbered ``start``."""
        ...


@dataclass(frozen=True)
class IterableBatches:
    """A user's own iterable of (inputs, targets), such as a ``DataLoader``; an epoch is one iteration over it."""

    source: Iterable[tuple[Tensor, Tensor]]
    device: torch.device

    @property
    def per_epoch(self) -> int | None:
        """``len`` of the source, if it has one."""
        return len(self.source) if isinstance(self.source, Sized) else None

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """What the source yields, after leaving out the first ``start``."""
        is_empty = not start
        for batch in islice(self.source, start, None):
            is_empty = False
            inputs, targets = pair_of_tensors(batch)
            yield Batch(inputs.to(self.device, non_blocking=True), targets.to(self.device, non_blocking=True))
        if is_empty:
            raise ValueError(
                f"the iterable of batches is empty, or can be gone through only once: it yielded no batch in epoch "
                f"{number + 1}; pass a list or a DataLoader"
            )


def pair_of_tensors(batch: Any) -> tuple[Tensor, Tensor]:
    """The inputs and targets of a user's batch; raises ValueError for anything else."""
    if isinstance(batch, tuple | list) and len(batch) == 2 and all(isinstance(part, Tensor) for part in batch):
        return batch[0], batch[1]
    kinds = ", ".join(type(part).__name__ for part in batch) if isinstance(batch, tuple | list) else ""
    found = f"({kinds})" if kinds else f"a {type(batch).__name__}"
    raise ValueError(
        f"an iterable of batches must yield (inputs, targets), a tensor each; it yielded {found}. For other batches "
        "write the loop yourself and look into it with shinso.watch"
    )


@dataclass(frozen=True)
class IndexedBatches:
    """Shuffled batches of a split, this process's share of each."""

    split: Split
    batch_size: int
    seed: int
    prepare: Callable[[Tensor], Tensor]
    """From raw examples to what the network takes."""
    changes: ImageChanges | None = None
    mixup: float = 0.0
    rank: int = 0
    processes: int = 1
    weights: Float[Tensor, " examples"] | None = None
    """How much each example of the split counts in the loss."""

    @property
    def per_epoch(self) -> int:
        """Whole batches; the examples that remain are others in each epoch. A set smaller than a batch is one batch."""
        return max(1, len(self.split) // self.batch_size)

    @property
    def _size(self) -> int:
        size = min(self.batch_size, len(self.split))
        return size - size % self.processes

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from the one numbered ``start``."""
        order = torch.randperm(len(self.split), generator=self._generator(number, -1))
        chunk = self._batches_per_chunk()
        for first in range(start - start % chunk, self.per_epoch, chunk):
            count = min(chunk, self.per_epoch - first)
            index = order[first * self._size : (first + count) * self._size]
            yield from islice(self._chunk(index, count, self._generator(number, first)), max(0, start - first), None)

    def _chunk(self, index: Int[Tensor, " examples"], count: int, generator: torch.Generator) -> Iterator[Batch]:
        draws = None if self.changes is None else self.changes.draw(len(index), generator)

        def examples(positions: Int[Tensor, " own"]) -> tuple[Tensor, Tensor]:
            raw, targets = self.split.fetch(index[positions])
            inputs = self.prepare(raw)
            if self.changes is not None and draws is not None:
                inputs = self.changes.apply(inputs, draws.take(positions))
            return inputs, targets

        own = self._own_positions(count)
        inputs, targets = examples(own.flatten())
        pieces = zip(torch.split(inputs, own.shape[1]), torch.split(targets, own.shape[1]), strict=True)
        for number, (x, y) in enumerate(pieces):
            weights = self._weights(index[own[number]])
            if not self.mixup:
                yield Batch(x, y, weights=weights)
                continue
            mixing = Mixing.draw(self.mixup, self._size, generator)
            others = mixing.partners[own[number] - number * self._size] + number * self._size
            other_x, other_y = examples(others)
            mixed = Mixed(other_y, mixing.weight, self._weights(index[others]))
            yield Batch(torch.lerp(other_x, x, mixing.weight), y, mixed, weights)

    def _weights(self, index: Int[Tensor, " own"]) -> Float[Tensor, " own"] | None:
        return None if self.weights is None else self.weights[index.to(self.weights.device)]

    def _own_positions(self, count: int) -> Int[Tensor, "batches own"]:
        share = self._size // self.processes
        return torch.arange(count * self._size).view(count, -1)[:, self.rank * share : (self.rank + 1) * share]

    def _batches_per_chunk(self) -> int:
        inputs, _ = self.split.fetch(torch.zeros(1, dtype=torch.int64))
        return max(1, _CHUNK_BYTES // max(1, 4 * inputs.numel() * self._size))

    def _generator(self, epoch: int, position: int) -> torch.Generator:
        # Any injective mixture of the three will do: torch hashes the seed.
        return torch.Generator().manual_seed(((self.seed * 1_000_003 + epoch) * 1_000_003 + position + 1) % 2**63)
