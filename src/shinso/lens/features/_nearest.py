"""Which examples a network takes for alike: the nearest in a layer's feature space."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from shinso.lens.features._layer_outputs import layer_output


class Nearest(NamedTuple):
    """For each query its nearest examples, nearest first."""

    examples: Int[Tensor, "queries count"]
    """Numbers of the examples, counted from 0 through all batches."""
    distances: Float[Tensor, "queries count"]
    """Euclidean, in the units of the layer's output."""


@torch.no_grad()
def nearest_examples(model: nn.Module, queries: Any, batches: Iterable[Any], layer: str, count: int = 6) -> Nearest:
    """The examples whose outputs of the layer lie nearest to those of the queries, in eval mode.

    ``queries`` is one batch of inputs, ``batches`` are inputs alone, ``(images for images, _ in loader)``, in an order
    that does not change; one is seen at a time. A query that is among the examples finds itself at distance 0.

    In the last hidden layer alike means of one class to the network, however different the pixels; a neighbour of
    another class is a mistake in the making, or a wrong label. Distances are dominated by the units with the largest
    variance, in hundreds of dimensions some examples are near everything (hubs), and layers differ in scale: compare
    distances within one layer only. Raises ValueError for no batches, a ``count`` below 1, or an unknown layer.

    Source: Krizhevsky, Sutskever and Hinton 2012, figure 4 right and section 6.1 (lecture 000, AlexNet).
    """
    if count < 1:
        raise ValueError(f"count is how many neighbours are kept for each query, at least 1; got {count}")
    wanted = _wide(layer_output(model, queries, layer).flatten(1))
    best: Nearest | None = None
    seen = 0
    for inputs in batches:
        known = _wide(layer_output(model, inputs, layer).flatten(1))
        # Exact differences: through products of matrices near neighbours lose their digits.
        distances = torch.cdist(wanted, known, compute_mode="donot_use_mm_for_euclid_dist")
        examples = torch.arange(seen, seen + len(known), device=known.device).expand(distances.shape)
        seen += len(known)
        if best is not None:
            examples, distances = torch.cat([best.examples, examples], 1), torch.cat([best.distances, distances], 1)
        order = distances.argsort(dim=1, stable=True)[:, :count]
        best = Nearest(examples.gather(1, order), distances.gather(1, order))
    if best is None:
        raise ValueError("there are no batches to look for neighbours in")
    return best


def _wide(values: Float[Tensor, "examples units"]) -> Float[Tensor, "examples units"]:
    return values if values.dtype == torch.float64 else values.float()
