"""Batch normalisation in evaluation is one affine map (Ioffe and Szegedy, 2015, algorithm 2, line 11; lecture 000)."""

from typing import NamedTuple

from torch import Tensor

from shinso.nn.normalization.population_statistics import BatchNorm


class AffineMap(NamedTuple):
    """scale · x + shift, for each channel."""

    scale: Tensor
    shift: Tensor


def batch_norm_map(norm: BatchNorm) -> AffineMap:
    """γ/√(Var[x] + ε) and β − γ E[x]/√(Var[x] + ε): what the layer does to each channel in evaluation mode.

    In double precision and detached. Raises ValueError for a layer without running statistics, which has no such map.
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch normalisation without running statistics is no fixed map: set track_running_stats")
    scale = (norm.running_var.double() + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach().double()
    shift = -norm.running_mean.double() * scale
    if norm.bias is not None:
        shift = shift + norm.bias.detach().double()
    return AffineMap(scale, shift)
