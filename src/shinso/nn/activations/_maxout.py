"""Maxout (Goodfellow et al., 2013, "Maxout Networks", arXiv 1302.4389; lecture 004 equation 6.37)."""

from jaxtyping import Float
from torch import Tensor, nn

from shinso.nn.activations._pieces import check_pieces, in_pieces


def maxout(x: Float[Tensor, "..."], pieces: int, dim: int = 1) -> Float[Tensor, "..."]:
    """The largest of each group of ``pieces`` neighbours along ``dim``, which becomes that many times shorter.

    With the affine layer before it, a unit is a convex function of up to ``pieces`` linear pieces, which it learns.
    Where several are largest, they share the gradient equally. Raises ValueError where the axis cannot be divided.
    """
    return in_pieces(x, pieces, dim).amax(-1)


class Maxout(nn.Module):
    """The largest of each group of ``pieces`` neighbouring channels: g(z)ᵢ = max zⱼ over group i (equation 6.37).

    Maps ``[batch, pieces · units, ...]`` to ``[batch, units, ...]``; for tokens ``[batch, time, channel]`` give
    ``dim=-1``. A maxout layer is ``nn.Sequential(nn.Linear(in_features, pieces * units), Maxout(pieces))``, or the same
    with a convolution.
    """

    def __init__(self, pieces: int, dim: int = 1) -> None:
        super().__init__()
        check_pieces(pieces)
        self.pieces = pieces
        self.dim = dim

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return maxout(x, self.pieces, self.dim)

    def extra_repr(self) -> str:
        return f"{self.pieces}, dim={self.dim}"
