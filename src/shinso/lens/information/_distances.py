"""How far each example's outputs are from each other's."""

import torch
from jaxtyping import Float
from torch import Tensor

_UNITS_AT_ONCE = 4096


def squared_distances(activations: Float[Tensor, "example *units"]) -> Float[Tensor, "example example"]:
    """‖tᵢ − tⱼ‖² in double precision; takes memory for a few thousand units at a time."""
    products = activations.new_zeros(len(activations), len(activations), dtype=torch.float64)
    for some in torch.split(activations.flatten(1), _UNITS_AT_ONCE, dim=1):
        centred = some.double() - some.double().mean(dim=0)
        products += centred @ centred.T
    squares = products.diagonal()
    distances = (squares[:, None] + squares[None, :] - 2 * products).clamp_min(0)
    # Equal examples are to have distance zero, not the rounding error of a difference of squares.
    distances[distances <= 1e-14 * squares.max()] = 0
    return distances.fill_diagonal_(0)
