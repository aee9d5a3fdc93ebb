"""Which values of a feature map are normalised together (Wu and He, 2018, "Group Normalization", arXiv 1803.08494,
figure 2 and equations 3 to 7; lecture 002, figure 2).
"""

import math

import torch
from jaxtyping import Bool, Int64
from torch import Tensor, nn

Norm = (
    nn.BatchNorm1d
    | nn.BatchNorm2d
    | nn.BatchNorm3d
    | nn.SyncBatchNorm
    | nn.InstanceNorm1d
    | nn.InstanceNorm2d
    | nn.InstanceNorm3d
    | nn.LayerNorm
    | nn.GroupNorm
)
"""torch's layers that subtract a mean and divide by a standard deviation."""


def normalized_axes(norm: Norm, ndim: int) -> tuple[int, ...]:
    """The axes of ``[batch, channel, *spatial]`` that one mean is taken over, of a group norm within a group of axis 1.

    Those of batch normalisation are the batch and all positions (equation 3), of layer normalisation the last ones, as
    many as its shape has (equation 4), of instance normalisation the positions (equation 5).
    """
    spatial = tuple(range(2, ndim))
    if isinstance(norm, nn.LayerNorm):
        return tuple(range(ndim - len(norm.normalized_shape), ndim))
    if isinstance(norm, nn.GroupNorm):
        return (1, *spatial)
    if isinstance(norm, nn.InstanceNorm1d | nn.InstanceNorm2d | nn.InstanceNorm3d):
        return spatial
    return (0, *spatial)


def normalization_sets(norm: Norm, shape: tuple[int, ...]) -> Int64[Tensor, "*shape"]:
    """For each value of an input of that shape the number, from 0, of the set S (equation 2) it is normalised with.

    Raises ValueError for a shape whose axes do not fit the layer.
    """
    _check(norm, shape)
    axes = normalized_axes(norm, len(shape))
    groups = norm.num_groups if isinstance(norm, nn.GroupNorm) else 1
    sizes = [1 if axis in axes else size for axis, size in enumerate(shape)]
    if groups > 1:
        sizes[1] = groups
    numbers = torch.arange(math.prod(sizes)).reshape(sizes)
    if groups > 1:
        numbers = numbers.repeat_interleave(shape[1] // groups, 1)
    return numbers.expand(shape).contiguous()


def shares_statistics(
    norm: Norm, shape: tuple[int, ...], cell: tuple[int, ...] | None = None
) -> Bool[Tensor, "*shape"]:
    """Which values of an input of that shape have the mean and variance of the one at ``cell``, by default the first.

    Flattened from axis 2 on, this is the blue of the paper's figure 2.
    """
    sets = normalization_sets(norm, shape)
    cell = (0,) * len(shape) if cell is None else cell
    if len(cell) != len(shape):
        raise ValueError(f"cell needs one index for each of the {len(shape)} axes; got {cell}")
    return sets == sets[cell]


def _check(norm: Norm, shape: tuple[int, ...]) -> None:
    if isinstance(norm, nn.LayerNorm):
        expected = tuple(norm.normalized_shape)
        if tuple(shape[-len(expected) :]) != expected:
            raise ValueError(f"this layer normalises inputs whose shape ends with {expected}; got {tuple(shape)}")
        return
    channels = norm.num_channels if isinstance(norm, nn.GroupNorm) else norm.num_features
    if len(shape) < 2 or shape[1] != channels:
        raise ValueError(f"this layer normalises [batch, {channels}, *]; got shape {tuple(shape)}")
