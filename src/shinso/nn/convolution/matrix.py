"""A convolution as a matrix, whose transpose gives the transposed convolution its name (Dumoulin and Visin, 2016, arXiv
1603.07285, section 4.1; lecture 003, section 3.3).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.nn._pair import IntPair, pair
from shinso.nn.convolution.output_size import conv_output_size


def convolution_matrix(
    weight: Float[Tensor, "out channel kernel_height kernel_width"],
    input_size: IntPair,
    *,
    stride: IntPair = 1,
    padding: IntPair = 0,
    dilation: IntPair = 1,
) -> Tensor:
    """The sparse matrix C with C x = ``conv2d(x, weight)`` for an image x of that height and width laid out in a row.

    C has a row for each [out, row, column] of the output and a column for each [channel, row, column] of the input;
    Cᵀ y is the transposed convolution of y. It is differentiable in ``weight``. Raises ValueError where the kernel does
    not fit.

    >>> convolution_matrix(torch.tensor([[[[1.0, 2.0]]]]), (1, 4)).to_dense()
    tensor([[1., 2., 0., 0.],
            [0., 1., 2., 0.],
            [0., 0., 1., 2.]])
    """
    (height, width), (out, channels) = pair(input_size), weight.shape[:2]
    settings = zip(pair(stride), pair(padding), pair(dilation), strict=True)
    down, across = (
        _seen_cells(size, kernel, *setting).to(weight.device)
        for size, kernel, setting in zip((height, width), weight.shape[2:], settings, strict=True)
    )
    # Axes: out, channel, kernel row, kernel column, output row, output column.
    row, column = down[None, None, :, None, :, None], across[None, None, None, :, None, :]
    rows, columns = down.shape[1], across.shape[1]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    inside = inside.expand(*weight.shape, rows, columns)
    position = torch.arange(rows * columns, device=weight.device).view(rows, columns)
    output_index = torch.arange(out, device=weight.device).view(-1, 1, 1, 1, 1, 1) * (rows * columns) + position
    first_cell = torch.arange(channels, device=weight.device).view(1, -1, 1, 1, 1, 1) * (height * width)
    input_index = first_cell + row * width + column
    indices = torch.stack([index.expand(inside.shape)[inside] for index in (output_index, input_index)])
    values = weight[..., None, None].expand(inside.shape)[inside]
    shape = (out * rows * columns, channels * height * width)
    return torch.sparse_coo_tensor(indices, values, shape, check_invariants=False).coalesce()


def _seen_cells(size: int, kernel_size: int, stride: int, padding: int, dilation: int) -> Tensor:
    """For each cell of the kernel and each position of the output along an axis, the cell of the input that they meet;
    in the padding, one outside of 0 … size - 1.
    """
    positions = conv_output_size(size, kernel_size, stride, padding, dilation)
    return torch.arange(kernel_size)[:, None] * dilation + torch.arange(positions) * stride - padding
