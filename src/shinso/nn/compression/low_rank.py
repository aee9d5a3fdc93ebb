"""Layers of low rank, and the best ones for a trained layer (Denton et al., 2014, "Exploiting Linear Structure Within
Convolutional Networks for Efficient Evaluation", arXiv 1404.0736; lecture 003, figure 16, structured transforms).
"""

import math

import torch
from torch import nn


class LowRankLinear(nn.Sequential):
    """A linear layer whose weight is a product of ``[out_features, rank]`` and ``[rank, in_features]``.

    Maps ``[*, in_features]`` to ``[*, out_features]`` with (in_features + out_features)·rank weights. Initialised so
    that outputs have the variance that those of torch.nn.Linear have. Raises ValueError for a rank no matrix has.
    """

    def __init__(self, in_features: int, out_features: int, rank: int, bias: bool = True) -> None:
        _check_rank(rank, out_features, in_features)
        reduce = nn.Linear(in_features, rank, bias=False)
        super().__init__(reduce, nn.Linear(rank, out_features, bias))
        bound = math.sqrt(3 / in_features)
        nn.init.uniform_(reduce.weight, -bound, bound)


def low_rank_linear(linear: nn.Linear, rank: int) -> LowRankLinear:
    """The layer of that rank whose weight is nearest to the given one's in Frobenius norm, with the same bias.

    By the theorem of Eckart and Young it is the singular value decomposition cut off after ``rank`` terms.
    """
    result = LowRankLinear(linear.in_features, linear.out_features, rank, linear.bias is not None).to(linear.weight)
    _fill(result, linear, rank)
    return result


def low_rank_conv2d(conv: nn.Conv2d, rank: int) -> nn.Sequential:
    """Two convolutions for one: the same to ``rank`` channels, then 1×1 to the channels it had.

    Of all such pairs the one whose weight, as ``[out, in · height · width]``, is nearest in Frobenius norm. Raises
    ValueError for a grouped convolution and for a rank that no such weight has.
    """
    if conv.groups != 1:
        raise ValueError(f"each group of a grouped convolution has a rank of its own; got groups={conv.groups}")
    _check_rank(rank, conv.out_channels, conv.weight[0].numel())
    reduce = nn.Conv2d(
        conv.in_channels,
        rank,
        conv.kernel_size,  # type: ignore[arg-type]
        conv.stride,  # type: ignore[arg-type]
        conv.padding,  # type: ignore[arg-type]
        conv.dilation,  # type: ignore[arg-type]
        bias=False,
        padding_mode=conv.padding_mode,
    )
    expand = nn.Conv2d(rank, conv.out_channels, 1, bias=conv.bias is not None)
    result = nn.Sequential(reduce, expand).to(conv.weight)
    _fill(result, conv, rank)
    return result


def _fill(pair: nn.Sequential, layer: nn.Linear | nn.Conv2d, rank: int) -> None:
    """Gives the two layers the factors of the layer's weight; each gets the root of the singular values."""
    left, values, right = torch.linalg.svd(layer.weight.detach().flatten(1).double(), full_matrices=False)
    root = values[:rank].sqrt()
    with torch.no_grad():
        for part, factor in zip(pair, (root[:, None] * right[:rank], left[:, :rank] * root), strict=True):
            part.weight.copy_(factor.reshape(part.weight.shape))  # type: ignore[operator]
        if layer.bias is not None:
            pair[1].bias.copy_(layer.bias)  # type: ignore[operator]


def _check_rank(rank: int, rows: int, columns: int) -> None:
    if not 1 <= rank <= min(rows, columns):
        raise ValueError(f"the rank of a {rows}×{columns} weight is from 1 to {min(rows, columns)}; got {rank}")
