"""Transposed convolution in two ways that are not torch's: as the backward of a convolution, and as a convolution of
the input with zeros between its cells (lecture 003, section 3.3, figures 24 to 26; Zeiler et al., 2010,
"Deconvolutional networks").
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, pair, positive_pair
from shinso.nn.convolution.output_size import conv_transpose_output_size


def insert_zeros(x: Float[Tensor, "*batch height width"], stride: IntPair) -> Float[Tensor, "*batch h w"]:
    """``x`` with stride - 1 zeros between cells that were neighbours: s (N - 1) + 1 cells along an axis of N.

    Of an image, what turns a stride into a "fractional stride" (footnote 17); of a kernel, dilation.

    >>> insert_zeros(torch.ones(1, 3), 2)
    tensor([[1., 0., 1., 0., 1.]])
    """
    down, right = positive_pair("stride", stride)
    *batch, height, width = x.shape
    cells = x[..., :, None, :, None]
    spread = F.pad(cells, (0, right - 1, 0, 0, 0, down - 1)).reshape(*batch, down * height, right * width)
    return spread[..., : down * (height - 1) + 1, : right * (width - 1) + 1]


def conv_transpose2d_by_zero_insertion(
    x: Float[Tensor, "batch channel height width"],
    weight: Float[Tensor, "channel out kernel_height kernel_width"],
    *,
    stride: IntPair = 1,
    padding: IntPair = 0,
    output_padding: IntPair = 0,
    dilation: IntPair = 1,
) -> Float[Tensor, "batch out h w"]:
    """A convolution of stride 1 over ``x`` with stride - 1 zeros inserted and k - 1 - padding cells put around it.

    Its kernel is the given one flipped, with input and output channels swapped: what ``conv_transpose2d`` of torch
    computes, arguments and weights alike. A negative k - 1 - padding takes cells away. Raises ValueError where nothing
    would be left.
    """
    _output_size(x, weight, stride, padding, output_padding, dilation)
    axes = zip(weight.shape[2:], pair(padding), pair(output_padding), pair(dilation), strict=True)
    around = [(step * (k - 1) - p, step * (k - 1) - p + extra) for k, p, extra, step in axes]
    (top, bottom), (left, right) = around
    widened = F.pad(insert_zeros(x, stride), (left, right, top, bottom))
    return F.conv2d(widened, weight.flip(-2, -1).transpose(0, 1), dilation=pair(dilation))


def conv_transpose2d_as_backward(
    x: Float[Tensor, "batch channel height width"],
    weight: Float[Tensor, "channel out kernel_height kernel_width"],
    *,
    stride: IntPair = 1,
    padding: IntPair = 0,
    output_padding: IntPair = 0,
    dilation: IntPair = 1,
) -> Float[Tensor, "batch out h w"]:
    """The gradient that a convolution with this weight hands to its input when its output is handed ``x``.

    The convolution goes the other way, from ``out`` to ``channel`` feature maps: the definition of
    ``conv_transpose2d``, computed by automatic differentiation. Raises ValueError where nothing would be left, and for
    an ``output_padding`` not below the stride, which torch allows with dilation though it is the backward of no
    convolution.
    """
    if any(extra >= step for extra, step in zip(pair(output_padding), positive_pair("stride", stride), strict=True)):
        raise ValueError(
            f"no convolution has a backward with output_padding {output_padding} and stride {stride}: output_padding "
            f"must be below the stride"
        )
    height, width = _output_size(x, weight, stride, padding, output_padding, dilation)

    def convolution(image: Tensor) -> Tensor:
        return F.conv2d(image, weight, stride=pair(stride), padding=pair(padding), dilation=pair(dilation))

    # A linear map has the same derivative everywhere, so also at zero.
    pull_back = torch.func.vjp(convolution, x.new_zeros(x.shape[0], weight.shape[1], height, width))[1]
    gradient: Tensor = pull_back(x)[0]
    return gradient


def _output_size(
    x: Tensor, weight: Tensor, stride: IntPair, padding: IntPair, output_padding: IntPair, dilation: IntPair
) -> tuple[int, int]:
    settings = zip(pair(stride), pair(padding), pair(output_padding), pair(dilation), strict=True)
    height, width = (
        conv_transpose_output_size(size, kernel, *setting)
        for size, kernel, setting in zip(x.shape[2:], weight.shape[2:], settings, strict=True)
    )
    return height, width
