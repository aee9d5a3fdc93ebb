"""Spatial pyramid pooling (He et al., 2014, "Spatial pyramid pooling in deep convolutional networks for visual
recognition", arXiv 1406.4729, section 2; lecture 003, figure 16).
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class SpatialPyramidPool2d(nn.Module):
    """The maxima over grids of bins × bins that cover the whole map, one grid for each number in ``bins``.

    Maps ``[…, channel, height, width]`` of any height and width to ``[…, channel · Σ bins²]``: grid after grid, in each
    channel after channel, in each the bins in reading order. Bin i of n goes from ⌊i·size/n⌋ to ⌈(i + 1)·size/n⌉, so
    that none is empty on a map smaller than the grid. Raises ValueError for no grid and for grids without bins.
    """

    def __init__(self, bins: Sequence[int] = (4, 2, 1)) -> None:
        super().__init__()
        if not bins or min(bins) < 1:
            raise ValueError(f"bins must be one or more numbers from 1 on, as in (4, 2, 1); got {bins}")
        self.bins = tuple(bins)

    def forward(self, x: Float[Tensor, "*batch channel height width"]) -> Float[Tensor, "*batch features"]:
        return torch.cat([F.adaptive_max_pool2d(x, side).flatten(-3) for side in self.bins], dim=-1)

    def features(self, channels: int) -> int:
        """How many numbers come out for that many channels: what the next layer takes."""
        return channels * sum(side**2 for side in self.bins)

    def extra_repr(self) -> str:
        return f"bins={self.bins}"
