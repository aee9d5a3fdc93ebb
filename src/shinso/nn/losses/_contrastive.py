"""The contrastive loss (Hadsell, Chopra & LeCun, 2006, "Dimensionality Reduction by Learning an Invariant Mapping";
lecture 003 figure 16).
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn


def contrastive_loss(
    x1: Float[Tensor, "*batch features"],
    x2: Float[Tensor, "*batch features"],
    dissimilar: Shaped[Tensor, "*batch"],
    margin: float = 1.0,
) -> Float[Tensor, "*batch"]:
    """(1 − Y)·½D² + Y·½max(0, margin − D)² of each pair, with D = ‖x1 − x2‖ (equation 4).

    Y, ``dissimilar``, is 0 or False for a pair that belongs together and 1 or True for one that does not. Like pairs
    are drawn together; unlike ones are pushed apart up to the margin. Two unlike points in the same place, where no
    direction is apart, have gradient 0.
    """
    y = dissimilar.to(x1.dtype)
    difference = x1 - x2
    # Squared without a root: the like pairs' part has every derivative at distance 0 too.
    together = difference.square().sum(-1)
    distance: Tensor = torch.linalg.vector_norm(difference, dim=-1)
    apart = (margin - distance).clamp(min=0).square()
    return 0.5 * ((1 - y) * together + y * apart)


class ContrastiveLoss(nn.Module):
    """The mean of (1 − Y)·½D² + Y·½max(0, margin − D)² over pairs: see ``contrastive_loss``."""

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(
        self,
        x1: Float[Tensor, "*batch features"],
        x2: Float[Tensor, "*batch features"],
        dissimilar: Shaped[Tensor, "*batch"],
    ) -> Float[Tensor, ""]:
        return contrastive_loss(x1, x2, dissimilar, self.margin).mean()

    def extra_repr(self) -> str:
        return f"margin={self.margin}"
