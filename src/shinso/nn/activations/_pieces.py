"""The groups of channels from which maxout and probout choose."""

import torch
from jaxtyping import Float
from torch import Tensor


def check_pieces(pieces: int) -> None:
    """Raises ValueError unless there is a piece to choose."""
    if pieces < 1:
        raise ValueError(f"a unit chooses from 1 or more pieces; got {pieces}")


def in_pieces(x: Float[Tensor, "..."], pieces: int, dim: int) -> Float[Tensor, "... pieces"]:
    """x with axis ``dim`` cut into groups of neighbours, and the members of each group along a new last axis.

    Raises ValueError where the axis cannot be cut so.
    """
    check_pieces(pieces)
    size = x.shape[dim]
    if size % pieces:
        raise ValueError(
            f"axis {dim} has {size} channels, which cannot be cut into groups of {pieces}: let the layer before have "
            f"{pieces} times as many outputs as there are units"
        )
    return torch.unflatten(x, dim, (size // pieces, pieces)).movedim(dim % x.dim() + 1, -1)
