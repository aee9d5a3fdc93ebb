"""Lp pooling (Sermanet, Chintala and LeCun, 2012, "Convolutional neural networks applied to house numbers digit
classification", arXiv 1204.3968; Gu et al., 2015, arXiv 1512.07108; lecture 003, figure 16).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.nn._pair import IntPair, positive_pair
from shinso.nn.pooling._windows import described, windows


def lp_pool2d(
    x: Float[Tensor, "*batch height width"], p: float, kernel_size: IntPair, stride: IntPair | None = None
) -> Float[Tensor, "*batch h w"]:
    """(Σ |a|^p)^(1/p) over each window: for p = 1 the sum of absolute values, for p = ∞ the largest.

    The gradient of a window of zeros is 0. ``torch.nn.functional.lp_pool2d`` leaves the absolute value out: unless p is
    even, negative activations cancel positive ones or give nan. ``stride`` is the kernel's size if left out. Raises
    ValueError for p <= 0 and where no window fits.
    """
    _check_power(p)
    cells = windows(x, kernel_size, kernel_size if stride is None else stride)
    norm: Tensor = torch.linalg.vector_norm(cells, ord=p, dim=-1)
    return norm


class LpPool2d(nn.Module):
    """The Lp norm of each window: (Σ |a|^p)^(1/p). Maps ``[…, height, width]`` to ``[…, height', width']``."""

    def __init__(self, p: float, kernel_size: IntPair, stride: IntPair | None = None) -> None:
        super().__init__()
        _check_power(p)
        self.p = p
        self.kernel_size = positive_pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else positive_pair("stride", stride)

    def forward(self, x: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch h w"]:
        return lp_pool2d(x, self.p, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return f"p={self.p}, {described(self.kernel_size, self.stride)}"


def _check_power(p: float) -> None:
    if not p > 0:
        raise ValueError(f"Lp pooling needs p > 0 (infinity is max pooling of absolute values); got {p}")
