"""Convolution with a kernel that is mostly zeros (Liu et al., 2015, "Sparse convolutional neural networks"; Gu et al.,
2015, arXiv 1512.07108, "Sparse Convolution"; lecture 003, figure 16).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, pair, positive_pair
from shinso.nn.convolution.output_size import conv_output_size


def sparse_conv2d(
    x: Float[Tensor, "batch channel height width"],
    weight: Tensor,
    kernel_size: IntPair,
    bias: Float[Tensor, "out"] | None = None,
    *,
    stride: IntPair = 1,
    padding: IntPair = 0,
    dilation: IntPair = 1,
) -> Float[Tensor, "batch out h w"]:
    """``conv2d`` as the product of a sparse ``[out, channel · kernel_height · kernel_width]`` matrix with the patches.

    Only entries that the matrix holds are multiplied, and only they get a gradient. That saves memory rather than time:
    to cut out the patches already takes longer than torch's dense convolution. Raises ValueError where the kernel does
    not fit.
    """
    settings = zip(pair(kernel_size), pair(stride), pair(padding), pair(dilation), strict=True)
    rows, columns = (conv_output_size(size, *setting) for size, setting in zip(x.shape[2:], settings, strict=True))
    patches = F.unfold(x, pair(kernel_size), dilation=pair(dilation), padding=pair(padding), stride=pair(stride))
    product: Tensor = torch.sparse.mm(weight, patches.transpose(0, 1).flatten(1))
    output = product.view(-1, x.shape[0], rows, columns).transpose(0, 1)
    return output if bias is None else output + bias[:, None, None]


class SparseConv2d(nn.Module):
    """A convolution whose parameters are the entries of ``weight`` that are not zero; the others stay zero.

    ``weight`` is ``[out_channels, in_channels, kernel_height, kernel_width]``, as of ``torch.nn.Conv2d``, and is
    copied. Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height', width']``. torch's compiler
    and export have no sparse products: hand them ``dense()``.
    """

    def __init__(
        self,
        weight: Float[Tensor, "out channel kernel_height kernel_width"],
        bias: Float[Tensor, "out"] | None = None,
        stride: IntPair = 1,
        padding: IntPair = 0,
        dilation: IntPair = 1,
    ) -> None:
        super().__init__()
        self.stride = positive_pair("stride", stride)
        self.padding = pair(padding)
        self.dilation = positive_pair("dilation", dilation)
        self.weight_shape = weight.shape
        matrix = weight.detach().flatten(1)
        self.indices: Tensor
        self.register_buffer("indices", matrix.nonzero().T.contiguous())
        self.values = nn.Parameter(matrix[tuple(self.indices)])
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())

    @property
    def density(self) -> float:
        """The part of the weight's entries that are kept, between 0 and 1."""
        return self.values.numel() / max(1, self.weight_shape.numel())

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        shape = (self.weight_shape[0], self.weight_shape[1:].numel())
        weight = torch.sparse_coo_tensor(self.indices, self.values, shape, is_coalesced=True, check_invariants=False)
        kernel = (self.weight_shape[2], self.weight_shape[3])
        return sparse_conv2d(
            x, weight, kernel, self.bias, stride=self.stride, padding=self.padding, dilation=self.dilation
        )

    def dense(self) -> nn.Conv2d:
        """``torch.nn.Conv2d`` with a copy of the same weights, its zeros written out."""
        out, channels, *kernel = self.weight_shape
        settings = (self.stride, self.padding, self.dilation)
        conv = nn.Conv2d(channels, out, (kernel[0], kernel[1]), *settings, bias=False).to(self.values)
        with torch.no_grad():
            conv.weight.zero_().flatten(1)[tuple(self.indices)] = self.values
        if self.bias is not None:
            conv.bias = nn.Parameter(self.bias.detach().clone())
        return conv

    def extra_repr(self) -> str:
        out, channels, *kernel = self.weight_shape
        return (
            f"{channels}, {out}, kernel_size={tuple(kernel)}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, bias={self.bias is not None}, density={self.density:.3g}"
        )


def prune_conv2d(conv: nn.Conv2d, density: float) -> SparseConv2d:
    """``conv`` with only its largest weights by absolute value, ``density`` of them (rounded up).

    Raises ValueError for a density outside of 0 < density <= 1, for groups, and for a padding other than with zeros.
    """
    if not 0 < density <= 1:
        raise ValueError(f"density must be above 0 and at most 1; got {density}")
    if conv.groups != 1 or conv.padding_mode != "zeros" or isinstance(conv.padding, str):
        raise ValueError(f"a sparse convolution has no groups and pads with a number of zeros; got {conv}")
    weight = conv.weight.detach()
    kept = weight.flatten().abs().topk(math.ceil(density * weight.numel())).indices
    pruned = torch.zeros_like(weight).flatten().index_copy(0, kept, weight.flatten()[kept]).view_as(weight)
    stride, padding, dilation = (_two(setting) for setting in (conv.stride, conv.padding, conv.dilation))
    return SparseConv2d(pruned, conv.bias, stride, padding, dilation)


def _two(setting: tuple[int, ...]) -> tuple[int, int]:
    height, width = setting
    return height, width
