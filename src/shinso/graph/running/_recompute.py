"""Layers that keep less for the backward pass and compute it again (lecture 004 equations 6.52 and 6.53)."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

Run = Callable[[Tensor], Tensor]


def recompute_segments(layers: Iterable[nn.Module], segments: int) -> Run:
    """The layers one after another, of which the backward pass is left the input of each segment.

    Inside of all segments but the last, values are computed a second time when the backward pass gets there: with √n
    segments n layers keep O(√n) values (Chen et al. 2016, arXiv:1604.06174). A batch norm in training mode then moves
    its running statistics twice. Raises ValueError unless there are 2 segments or more, and as many layers.
    """
    parts = list(layers)
    if not 2 <= segments <= len(parts):
        raise ValueError(f"{len(parts)} layers can be recomputed in 2 to {len(parts)} segments; got {segments}")
    bounds = [len(parts) * number // segments for number in range(segments + 1)]
    pieces = [_in_order(parts[begin:end]) for begin, end in pairwise(bounds)]

    def run(x: Tensor) -> Tensor:
        for piece in pieces[:-1]:
            x = checkpoint(piece, x, use_reentrant=False)
        return pieces[-1](x)

    return run


def recompute_from_the_start(layers: Iterable[nn.Module]) -> Run:
    """The layers one after another, of which only the first input is kept: before the derivative of each layer, all
    layers up to it are run again (lecture 004 equation 6.53), n(n + 1)/2 runs of a layer for n layers.
    """
    parts = list(layers)

    def up_to(count: int, x: Tensor) -> Tensor:
        if count == 1:
            return parts[0](x)  # type: ignore[no-any-return]
        return parts[count - 1](checkpoint(up_to, count - 1, x, use_reentrant=False))  # type: ignore[no-any-return]

    return lambda x: up_to(len(parts), x)


def store_everything(layers: Iterable[nn.Module]) -> Run:
    """The layers one after another, each value kept until the backward pass (lecture 004 equation 6.52)."""
    return _in_order(list(layers))


def _in_order(layers: Sequence[nn.Module]) -> Run:
    def run(x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x)
        return x

    return run
