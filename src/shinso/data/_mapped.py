"""Examples that do not fit in memory: fetched from a memory-mapped pack and decoded on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from shinso.data._in_memory import InMemory

_CHUNK = 1024

Decode = Callable[[Sequence[bytes]], np.ndarray]


class Payloads(Protocol):
    """Undecoded examples, addressable by row; a pack is one."""

    def payloads(self, rows: np.ndarray) -> list[bytes]:
        """The bytes of these rows."""
        ...


@dataclass(frozen=True, eq=False)
class Mapped:
    """A `Split` whose inputs stay on disk; positions and targets (16 bytes an example) are all that memory holds."""

    pack: Payloads
    rows: Int[np.ndarray, " examples"]
    targets: Shaped[Tensor, "examples *outputs"]
    decode: Decode

    def __len__(self) -> int:
        return len(self.rows)

    def fetch(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Shaped[Tensor, "batch *input"], Shaped[Tensor, "batch *outputs"]]:
        """The raw inputs and targets of these examples, on the device of the split."""
        device = self.targets.device
        inputs = torch.from_numpy(self.decode(self.pack.payloads(self.rows[index.numpy(force=True)])))
        if device.type == "cuda":
            inputs = inputs.pin_memory()
        return inputs.to(device, non_blocking=True), self.targets.index_select(0, index.to(device))

    def to(self, device: torch.device | str) -> "Mapped":
        """The same examples, fetched onto `device`."""
        return Mapped(self.pack, self.rows, self.targets.to(device), self.decode)

    def in_memory(self) -> InMemory:
        """The same examples, decoded once and held."""
        first = self.fetch(torch.zeros(min(1, len(self)), dtype=torch.int64))[0]
        inputs = first.new_empty((len(self), *first.shape[1:]))
        for start in range(0, len(self), _CHUNK):
            stop = min(start + _CHUNK, len(self))
            inputs[start:stop] = self.fetch(torch.arange(start, stop))[0]
        return InMemory(inputs, self.targets)
