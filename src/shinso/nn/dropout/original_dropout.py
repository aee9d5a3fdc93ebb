"""Dropout with the scaling in evaluation (Srivastava et al., 2014, "Dropout: A Simple Way to Prevent Neural Networks
from Overfitting", section 4 and figure 2; lecture 002, "calculation of dropout").
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.nn.dropout._probability import check_probability


class OriginalDropout(nn.Module):
    """In training x with each value set to 0 with probability ``p`` and the others as they are; in evaluation (1 − p)x.

    Keeps the shape. The lecture scales the weights that follow by 1 − dropout_ratio, which is to scale what they are
    given. torch.nn.Dropout, the inverted convention, divides by 1 − p in training and leaves evaluation alone: its
    outputs, in both modes, are these divided by 1 − p.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        check_probability(p)
        self.p = p

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if self.training:
            return x * torch.empty_like(x).bernoulli_(1 - self.p)
        return x * (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"
