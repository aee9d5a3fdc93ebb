"""What each example contributes to the gradient of one parameter tensor, in as compact a form as its layer allows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

_EXAMPLES_AT_ONCE = 24
_ENTRIES_AT_ONCE = 1 << 20
"""So few that layers' inputs, what came back, and what is made of them stay in the cache."""


class Totals(NamedTuple):
    """Sums over examples."""

    sums: Float[Tensor, "..."]
    square_sums: Float[Tensor, "..."]


class ExampleGradients(Protocol):
    """The contributions of all examples to the gradient of one parameter tensor; their sum is the gradient."""

    def sums(self, direction: Float[Tensor, "..."]) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """The squared norm of each contribution, and its inner product with a tensor of the parameter's shape."""

    def totals(self) -> Totals:
        """The sums over examples of each entry and of its square, in the parameter's shape."""

    def entries(self, examples: Int[Tensor, " count"], entries: Int[Tensor, " count"]) -> Float[Tensor, " count"]:
        """Single entries, each of its own example; entries are counted through the flattened parameter."""

    def of(self, examples: slice) -> Float[Tensor, "examples ..."]:
        """The contributions of some examples, written out."""


@dataclass(frozen=True)
class WrittenOut:
    """The contributions themselves: for biases and the affine part of normalisation, which are small."""

    contributions: Float[Tensor, "batch ..."]

    def sums(self, direction: Float[Tensor, "..."]) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """The squared norms and the inner products with a direction."""
        flat = _by_entry(self.contributions)
        return torch.linalg.vector_norm(flat, dim=1).square(), flat @ direction.flatten()

    def totals(self) -> Totals:
        """The sums over examples of each entry and of its square."""
        return Totals(self.contributions.sum(0), self.contributions.square().sum(0))

    def entries(self, examples: Int[Tensor, " count"], entries: Int[Tensor, " count"]) -> Float[Tensor, " count"]:
        """Single entries, each of its own example."""
        return _by_entry(self.contributions)[examples, entries]

    def of(self, examples: slice) -> Float[Tensor, "examples ..."]:
        """The contributions of some examples."""
        return self.contributions[examples]


@dataclass(frozen=True)
class WrittenInParts:
    """Contributions that are computed for a few examples at a time, because all of them would fill the memory."""

    batch_size: int
    size: int
    """How many entries computing one example's contribution takes."""
    compute: Callable[[slice], Float[Tensor, "examples ..."]]

    def sums(self, direction: Float[Tensor, "..."]) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """The squared norms and the inner products with a direction."""
        parts = [WrittenOut(part).sums(direction) for part in self._parts()]
        return torch.cat([norms for norms, _ in parts]), torch.cat([products for _, products in parts])

    def totals(self) -> Totals:
        """The sums over examples of each entry and of its square."""
        of_parts = [WrittenOut(part).totals() for part in self._parts()]
        return Totals(*(torch.stack(column).sum(0) for column in zip(*of_parts, strict=True)))

    def entries(self, examples: Int[Tensor, " count"], entries: Int[Tensor, " count"]) -> Float[Tensor, " count"]:
        """Single entries, each of its own example."""
        wanted = torch.unique(examples).tolist()
        rows = torch.cat([_by_entry(self.compute(slice(example, example + 1))) for example in wanted])
        return rows[torch.searchsorted(torch.tensor(wanted, device=examples.device), examples), entries]

    def of(self, examples: slice) -> Float[Tensor, "examples ..."]:
        """The contributions of some examples."""
        return self.compute(examples)

    def _parts(self) -> Iterator[Tensor]:
        at_once = max(1, min(_EXAMPLES_AT_ONCE, _ENTRIES_AT_ONCE // max(1, self.size)))
        for start in range(0, self.batch_size, at_once):
            yield self.compute(slice(start, min(start + at_once, self.batch_size)))


def _by_entry(contributions: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch entries"]:
    # A parameter may be a single number, such as a temperature.
    return contributions.flatten(1) if contributions.dim() > 1 else contributions.unsqueeze(1)


def added(parts: Sequence[ExampleGradients], batch_size: int, size: int) -> ExampleGradients:
    """The contributions through several uses of one parameter, which add up before they are squared."""
    if len(parts) == 1:
        return parts[0]
    return WrittenInParts(batch_size, size, lambda examples: torch.stack([p.of(examples) for p in parts]).sum(0))
