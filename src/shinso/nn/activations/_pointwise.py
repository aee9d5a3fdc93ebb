"""Activations that torch has as functions, here as modules (lecture 004 section 6.3)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class AbsoluteValue(nn.Module):
    """|x|, absolute value rectification (Jarrett et al., 2009; lecture 004 section 6.3.1); its derivative at 0 is 0."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return x.abs()


class Arctan(nn.Module):
    """tan⁻¹(x), between −π/2 and π/2 (lecture 004 section 6.3.3, table)."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.atan(x)


class Cosine(nn.Module):
    """cos(x) (lecture 004 section 6.3.3: about 1 % error on MNIST)."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.cos(x)
