"""Examples that fit in memory: one tensor of inputs, one of targets, on one device."""

from dataclasses import dataclass

import torch
from jaxtyping import Int, Shaped
from torch import Tensor


@dataclass(frozen=True, eq=False)
class InMemory:
    """A `Split` held whole on one device; a batch is one gather."""

    inputs: Shaped[Tensor, "examples *input"]
    targets: Shaped[Tensor, "examples *outputs"]

    def __len__(self) -> int:
        return len(self.targets)

    def fetch(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Shaped[Tensor, "batch *input"], Shaped[Tensor, "batch *outputs"]]:
        """The raw inputs and targets of these examples, on the device of the split."""
        index = index.to(self.inputs.device)
        return self.inputs.index_select(0, index), self.targets.index_select(0, index)

    def to(self, device: torch.device | str) -> "InMemory":
        """The same examples held on `device`."""
        return InMemory(self.inputs.to(device), self.targets.to(device))
