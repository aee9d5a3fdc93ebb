"""The gradients of single examples of an embedding: rows, of which each example touches only a few."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens.per_sample._example_gradients import ExampleGradients, Totals
from shinso.lens.per_sample._rows import NotByExample, by_example, wide


@dataclass(frozen=True)
class Rows:
    """Contributions that are zero but for some rows: row ``keys % vocabulary`` of example ``keys // vocabulary``."""

    keys: Int[Tensor, " rows"]
    """Sorted."""
    rows: Float[Tensor, "rows features"]
    batch_size: int
    vocabulary: int

    def sums(
        self, direction: Float[Tensor, "vocabulary features"]
    ) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
        """The squared norms and the inner products with a direction."""
        zeros, owners = self.rows.new_zeros(self.batch_size), self._examples
        along = torch.linalg.vecdot(self.rows, direction[self._tokens])
        squares = torch.linalg.vecdot(self.rows, self.rows)
        return zeros.index_add(0, owners, squares), zeros.index_add(0, owners, along)

    def totals(self) -> Totals:
        """The sums over examples of each entry and of its square."""
        zeros = self.rows.new_zeros(self.vocabulary, self.rows.shape[1])
        return Totals(*(zeros.index_add(0, self._tokens, part) for part in (self.rows, self.rows.square())))

    def entries(self, examples: Int[Tensor, " count"], entries: Int[Tensor, " count"]) -> Float[Tensor, " count"]:
        """Single entries, each of its own example."""
        features = self.rows.shape[1]
        wanted = examples * self.vocabulary + torch.div(entries, features, rounding_mode="floor")
        places = torch.searchsorted(self.keys, wanted).clamp_(max=len(self.keys) - 1)
        return torch.where(self.keys[places] == wanted, self.rows[places, entries % features], 0)

    def of(self, examples: slice) -> Float[Tensor, "examples vocabulary features"]:
        """The contributions of some examples."""
        first, last = (
            int(torch.searchsorted(self.keys, end * self.vocabulary)) for end in (examples.start, examples.stop)
        )
        count = examples.stop - examples.start
        zeros = self.rows.new_zeros(count * self.vocabulary, self.rows.shape[1])
        keys = self.keys[first:last] - examples.start * self.vocabulary
        return torch.unflatten(zeros.index_copy_(0, keys, self.rows[first:last]), 0, (count, self.vocabulary))

    @cached_property
    def _examples(self) -> Int[Tensor, " rows"]:
        return torch.div(self.keys, self.vocabulary, rounding_mode="floor")

    @cached_property
    def _tokens(self) -> Int[Tensor, " rows"]:
        return self.keys % self.vocabulary


def embedding(
    output_gradient: Float[Tensor, "*positions features"],
    batch_size: int,
    input: Int[Tensor, "*positions"],
    weight: Float[Tensor, "vocabulary features"],
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> list[tuple[Tensor | None, ExampleGradients]]:
    """Of the table; raises NotByExample where gradients are divided by how often the whole batch names a token."""
    if scale_grad_by_freq:
        raise NotByExample("an embedding with scale_grad_by_freq=True divides by counts of the whole batch")
    at_outputs = wide(by_example(output_gradient, batch_size, 1))
    tokens, vocabulary = by_example(input, batch_size, 0), len(weight)
    keys = tokens + torch.arange(batch_size, device=tokens.device).unsqueeze(1) * vocabulary
    if padding_idx is not None:
        # Negative ones count from the end.
        at_outputs = at_outputs * (tokens != padding_idx % vocabulary).unsqueeze(-1)
    known, places = torch.unique(keys, return_inverse=True)
    rows = at_outputs.new_zeros(len(known), at_outputs.shape[2]).index_add_(
        0, places.flatten(), at_outputs.flatten(0, 1)
    )
    return [(weight, Rows(known, rows, batch_size, vocabulary))]
