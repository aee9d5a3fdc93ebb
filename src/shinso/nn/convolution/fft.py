"""Convolution as a product of Fourier transforms (Mathieu, Henaff and LeCun, 2013, "Fast training of convolutional
networks through FFTs", arXiv 1312.5851; lecture 003, figure 16).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, pair, positive_pair
from shinso.nn.convolution.output_size import conv_output_size
from shinso.nn.convolution.transposed import insert_zeros


def fft_conv2d(
    x: Float[Tensor, "*batch channel height width"],
    weight: Float[Tensor, "out in_group kernel_height kernel_width"],
    bias: Float[Tensor, "out"] | None = None,
    stride: IntPair = 1,
    padding: IntPair = 0,
    dilation: IntPair = 1,
    groups: int = 1,
) -> Float[Tensor, "*batch out h w"]:
    """``torch.nn.functional.conv2d`` of the same arguments, by the convolution theorem.

    Worth it for kernels of some 20 cells a side and more: the work does not depend on their size. Of a stride, all
    positions are computed; half precision is computed in single. Raises ValueError where the kernel does not fit.
    """
    (step_down, step_right), (top, left) = positive_pair("stride", stride), pair(padding)
    kernel = insert_zeros(weight, dilation)
    rows = conv_output_size(x.shape[-2], kernel.shape[-2], step_down, top)
    columns = conv_output_size(x.shape[-1], kernel.shape[-1], step_right, left)
    output = _valid_correlation(F.pad(x, (left, left, top, top)), kernel, groups)
    output = output[..., : step_down * rows : step_down, : step_right * columns : step_right].to(x.dtype)
    return output if bias is None else output + bias[:, None, None]


class FFTConv2d(nn.Conv2d):
    """``torch.nn.Conv2d`` computed by Fourier transforms: the same parameters, state and values, zero padding only."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntPair,
        stride: IntPair = 1,
        padding: IntPair = 0,
        dilation: IntPair = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, pair(padding), dilation, groups, bias)
        self._settings = (pair(stride), pair(padding), pair(dilation), groups)

    def forward(self, input: Float[Tensor, "*batch channel height width"]) -> Float[Tensor, "*batch out h w"]:
        return fft_conv2d(input, self.weight, self.bias, *self._settings)


def _valid_correlation(x: Tensor, kernel: Tensor, groups: int) -> Tensor:
    """The cross-correlation, right where the whole kernel lies on the image."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    # It wraps around at the size of the transforms, but only past the last whole position: the image's size is enough.
    size = (_fast_length(x.shape[-2]), _fast_length(x.shape[-1]))
    image = torch.fft.rfft2(x.to(dtype), s=size).unflatten(-3, (groups, -1))
    filters = torch.fft.rfft2(kernel.to(dtype), s=size).unflatten(0, (groups, -1)).conj()
    product = torch.einsum("...gchw,gochw->...gohw", image, filters)
    correlation: Tensor = torch.fft.irfft2(product, s=size)
    return correlation.flatten(-4, -3)


def _fast_length(size: int) -> int:
    """The least product of 2, 3 and 5 that is not below ``size``: transforms of primes take many times as long."""
    rest = size
    for factor in (2, 3, 5):
        while rest % factor == 0:
            rest //= factor
    return size if rest == 1 else _fast_length(size + 1)
