"""Which examples each unit of a layer answers to most."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from shinso.lens.features._layer_outputs import layer_output, unit_axis


class MostActivating(NamedTuple):
    """For each unit its strongest answers, strongest first."""

    examples: Int[Tensor, "units count"]
    """Numbers of the examples, counted from 0 through all batches."""
    activations: Float[Tensor, "units count"]
    positions: Int[Tensor, "units count axes"]
    """Where in the layer's output the answer is: row and column of a map; without axes for a layer of single units."""


def most_activating(model: nn.Module, batches: Iterable[Any], layer: str, count: int = 9) -> MostActivating:
    """The examples to which each unit of the layer answers most, in eval mode; a unit of a map by its best position.

    ``batches`` are inputs alone: ``(images for images, _ in loader)``, in an order that does not change. Batches are
    seen one at a time. Fewer than ``count`` are returned where there are fewer examples.

    Units that answer to one kind of example may still answer to others less: the strongest few examples show the tip
    of the distribution, and several unrelated kinds can share a unit. Of a rectified unit that never answers, all
    activations are 0 and the examples arbitrary. Raises ValueError for no batches, a ``count`` below 1, or an unknown
    layer.

    Source: Girshick et al. 2014, section 3.1; Zeiler and Fergus 2014, figure 2 (lecture 001).
    """
    if count < 1:
        raise ValueError(f"count is how many examples are kept for each unit, at least 1; got {count}")
    best: MostActivating | None = None
    seen = 0
    for inputs in batches:
        found = _strongest(model, inputs, layer, seen)
        seen += len(found.examples[0])
        merged = found if best is None else MostActivating(*(torch.cat(p, 1) for p in zip(best, found, strict=True)))
        best = _kept(merged, count)
    if best is None:
        raise ValueError("there are no batches to look for the most activating examples in")
    return best


@torch.no_grad()
def _strongest(model: nn.Module, inputs: Any, layer: str, first: int) -> MostActivating:
    """Of each unit and example of one batch the strongest activation."""
    output = layer_output(model, inputs, layer)
    by_unit = output.movedim(unit_axis(model.get_submodule(layer), output), 0)
    flat = by_unit.flatten(2) if by_unit.dim() > 2 else by_unit.unsqueeze(2)
    activations, places = flat.max(dim=2)
    positions = torch.stack(torch.unravel_index(places, by_unit.shape[2:]), -1) if by_unit.dim() > 2 else None
    examples = torch.arange(first, first + flat.shape[1], device=flat.device).expand(activations.shape)
    return MostActivating(examples, activations, places.new_empty(*places.shape, 0) if positions is None else positions)


def _kept(found: MostActivating, count: int) -> MostActivating:
    order = found.activations.argsort(dim=1, descending=True, stable=True)[:, :count]
    axes = found.positions.shape[2]
    return MostActivating(
        found.examples.gather(1, order),
        found.activations.gather(1, order),
        found.positions.gather(1, order.unsqueeze(-1).expand(-1, -1, axes)),
    )
