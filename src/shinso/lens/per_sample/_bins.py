"""Bins for numbers of any size and sign: two to the decade, around zero."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

_SMALLEST, _LARGEST, _PER_DECADE = -10, 4, 2
_EDGES = (_LARGEST - _SMALLEST) * _PER_DECADE + 1


def bin_names() -> tuple[str, ...]:
    """The lower end of each bin by size, from the most negative; around 0 lies all below 1e-10."""
    sizes = [f"{10 ** (_SMALLEST + edge / _PER_DECADE):.1e}" for edge in range(_EDGES)]
    return (*(f"-{size}" for size in reversed(sizes)), "0", *sizes)


def bins(values: Float[Tensor, " count"]) -> Int[Tensor, " count"]:
    """The place of each number's bin among ``bin_names()``; infinite and NaN ones count as largest."""
    edge = ((values.abs().log10() - _SMALLEST) * _PER_DECADE).nan_to_num(nan=_EDGES, posinf=_EDGES, neginf=-1)
    size = (edge.floor() + 1).clamp(0, _EDGES)
    return (torch.where(values < 0, -size, size) + _EDGES).long()


BINS = 2 * _EDGES + 1
