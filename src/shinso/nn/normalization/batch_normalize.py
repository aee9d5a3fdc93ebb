"""Batch normalisation of a mini-batch, forward and backward (Ioffe and Szegedy, 2015, arXiv 1502.03167, algorithm 1 and
section 3; lecture 000, its pages 3 and 4; lecture 002, "calculation of batch normalisation").

The axes of the statistics are the caller's: (0,) for ``[batch, feature]``, (0, 2, 3) for ``[batch, channel, height,
width]``, the convolutional form of section 3.2.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.nn.normalization.normalize import normalize


class BatchNormGradients(NamedTuple):
    """The derivatives of a loss."""

    x: Tensor
    weight: Tensor
    bias: Tensor


def batch_normalize(
    x: Float[Tensor, "*shape"],
    weight: Float[Tensor, "*kept"],
    bias: Float[Tensor, "*kept"],
    dim: tuple[int, ...] = (0,),
    eps: float = 1e-5,
) -> Float[Tensor, "*shape"]:
    """γ x̂ + β, where x̂ is x normalised by its own mean and biased variance over the axes ``dim`` (algorithm 1).

    ``weight`` γ and ``bias`` β have the shape of x without those axes.
    """
    return beside(x, weight, dim) * normalize(x, dim, eps) + beside(x, bias, dim)


def batch_normalize_backward(
    gradient: Float[Tensor, "*shape"],
    x: Float[Tensor, "*shape"],
    weight: Float[Tensor, "*kept"],
    dim: tuple[int, ...] = (0,),
    eps: float = 1e-5,
) -> BatchNormGradients:
    """The derivatives of a loss by x, γ and β, given that by the output: the six equations of section 3, in order.

    They hold for any axes; m is the number of values that share a mean. Differentiable once more.
    """
    variance, mean = torch.var_mean(x, dim, correction=0, keepdim=True)
    m = x.numel() // mean.numel()
    centred = x - mean
    inverse = (variance + eps).rsqrt()

    by_normalized = gradient * beside(x, weight, dim)
    by_variance = (by_normalized * centred).sum(dim, keepdim=True) * -0.5 * inverse**3
    by_mean = -(by_normalized * inverse).sum(dim, keepdim=True) + by_variance * -2 * centred.mean(dim, keepdim=True)
    by_x = by_normalized * inverse + by_variance * 2 * centred / m + by_mean / m
    by_weight = (gradient * centred * inverse).sum(dim)
    by_bias = gradient.sum(dim)
    return BatchNormGradients(by_x, by_weight, by_bias)


def beside(x: Tensor, value: Tensor, dim: tuple[int, ...]) -> Tensor:
    """``value``, which has no axes ``dim``, in a shape that broadcasts against x."""
    averaged = {axis % x.ndim for axis in dim}
    return value.reshape([1 if axis in averaged else size for axis, size in enumerate(x.shape)])
