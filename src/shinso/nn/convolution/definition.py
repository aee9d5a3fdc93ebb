"""The convolution of the lectures as its sum is written (lecture 003, equation 54; lecture 001 "畳み込み層")."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, pair, positive_pair
from shinso.nn.convolution.output_size import conv_output_size


def conv2d_by_definition(
    x: Float[Tensor, "batch channel height width"],
    weight: Float[Tensor, "out channel kernel_height kernel_width"],
    bias: Float[Tensor, "out"] | Float[Tensor, "out h w"] | None = None,
    *,
    stride: IntPair = 1,
    padding: IntPair = 0,
) -> Float[Tensor, "batch out h w"]:
    """Σ over i', j' and c of x[s i + i', s j + j', c] w[i', j', c], plus the bias: equation 54 term by term.

    Equations 55 to 57 are its cases (kernel 1; padding 0 and stride 1; stride 1). To read and to check against, not for
    speed: ``torch.nn.functional.conv2d`` gives the same. The lecture's bias may differ from position to position
    (``[out, h, w]``); torch's is one number for each output channel. Raises ValueError where the kernel does not fit.
    """
    (step_down, step_right), (top, left) = positive_pair("stride", stride), pair(padding)
    rows = conv_output_size(x.shape[2], weight.shape[2], step_down, top)
    columns = conv_output_size(x.shape[3], weight.shape[3], step_right, left)
    padded = F.pad(x, (left, left, top, top))
    output = x.new_zeros(x.shape[0], weight.shape[0], rows, columns)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            seen = padded[:, :, i : i + step_down * rows : step_down, j : j + step_right * columns : step_right]
            output = output + torch.einsum("nchw,oc->nohw", seen, weight[:, :, i, j])
    if bias is None:
        return output
    return output + (bias if bias.ndim == 3 else bias[:, None, None])
