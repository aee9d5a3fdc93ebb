"""Radial basis function units (Broomhead & Lowe, 1988; lecture 004 section 6.3.3)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def radial_basis(
    x: Float[Tensor, "*batch in_features"],
    centers: Float[Tensor, "units in_features"],
    widths: Float[Tensor, " units"],
) -> Float[Tensor, "*batch units"]:
    """exp(−‖x − cᵢ‖² / σᵢ²) of each centre cᵢ and width σᵢ (Goodfellow et al., 2016, section 6.3.4).

    1 at the centre and near 0, without gradient, a few widths away from it.
    """
    # Differences before squares: exact where x is far from 0, at the price of batch × units × in_features numbers.
    squared_distances = (x.unsqueeze(-2) - centers).square().sum(-1)
    return torch.exp(-squared_distances / widths.square())


class RadialBasis(nn.Module):
    """A layer of radial basis function units with learned centres and widths, where others have ``nn.Linear``.

    Maps ``[*batch, in_features]`` to ``[*batch, out_features]`` with values from 0 to 1. Centres begin as standard
    normal; ``width`` is where all widths begin, √(2·in_features) if None, which puts standardised inputs where units
    have gradient. Raises ValueError for a width that is not positive.
    """

    def __init__(self, in_features: int, out_features: int, *, width: float | None = None) -> None:
        super().__init__()
        if width is not None and not width > 0:
            raise ValueError(f"a radial basis function needs a width above 0; got {width}")
        self.in_features = in_features
        self.out_features = out_features
        self.width = math.sqrt(2 * in_features) if width is None else width
        self.centers = nn.Parameter(torch.empty(out_features, in_features))
        # As logarithms widths stay positive whatever the optimizer does.
        self.log_widths = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the centres anew and sets all widths to where they begin."""
        nn.init.normal_(self.centers)
        nn.init.constant_(self.log_widths, math.log(self.width))

    def forward(self, x: Float[Tensor, "*batch in_features"]) -> Float[Tensor, "*batch out_features"]:
        return radial_basis(x, self.centers, self.log_widths.exp())

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, width={self.width:g}"
