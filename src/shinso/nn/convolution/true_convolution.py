"""Convolution as mathematics defines it, which is not what networks compute (lecture 003, equations 49 and 50)."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, pair


def true_conv2d(
    x: Float[Tensor, "batch channel height width"],
    weight: Float[Tensor, "out channel kernel_height kernel_width"],
    bias: Float[Tensor, "out"] | None = None,
    *,
    stride: IntPair = 1,
    padding: IntPair = 0,
) -> Float[Tensor, "batch out h w"]:
    """Σ over i', j' and c of x[i - i', j - j', c] w[i', j', c], plus the bias: equation 49 on the image's grid.

    Every ``conv2d``, torch's too, is the cross-correlation x[i + i', j + j', c] w[i', j', c] of equation 50: the same
    with the kernel flipped in height and width. Learning makes no difference between the two; kernels that are given,
    and the algebra (only convolution commutes and is associative), do. Position (0, 0) of the output is the first at
    which the whole kernel lies on the padded image.
    """
    return F.conv2d(x, weight.flip(-2, -1), bias, stride=pair(stride), padding=pair(padding))
