"""Each activation and its derivative, to be drawn (lecture 004 section 6.3.3, table)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn.activations._derivative import derivative
from shinso.nn.activations._maxout import maxout
from shinso.nn.activations._probout import expected_probout
from shinso.nn.activations._radial_basis import radial_basis
from shinso.nn.activations._steps import binary_step, straight_through_step


@dataclass(frozen=True, eq=False)
class Curve:
    """A function of one variable at some points."""

    x: Float[Tensor, " points"]
    value: Float[Tensor, " points"]
    derivative: Float[Tensor, " points"]


def activation_curves(x: Float[Tensor, " points"]) -> dict[str, Curve]:
    """Value and derivative of every activation of the catalogue at x, by name, with torch's default parameters.

    The randomised leaky ReLU has its mean slope, as in evaluation. Units of several inputs are drawn along a line: the
    radial basis function at distance x from its centre, with width 1; maxout and probout (its mean) over the two pieces
    x and −x; softmax as the probability of the logit x against a logit of 0.
    """
    x = x.detach()
    return {name: Curve(x, function(x).detach(), derivative(function, x)) for name, function in _FUNCTIONS.items()}


def _opposite_pieces(x: Tensor) -> Tensor:
    return torch.stack([x, -x], dim=-1)


_FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": torch.clone,
    "binary_step": binary_step,
    "straight_through_step": straight_through_step,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "arctan": torch.atan,
    "relu": F.relu,
    "absolute_value": torch.abs,
    "leaky_relu": F.leaky_relu,
    "parametric_relu": lambda x: F.prelu(x, x.new_tensor([0.25])),
    "randomized_leaky_relu": F.rrelu,
    "elu": F.elu,
    "softplus": F.softplus,
    "hard_tanh": F.hardtanh,
    "cosine": torch.cos,
    "radial_basis": lambda x: radial_basis(x[:, None], x.new_zeros(1, 1), x.new_ones(1))[:, 0],
    "maxout": lambda x: maxout(_opposite_pieces(x), 2)[:, 0],
    "probout": lambda x: expected_probout(_opposite_pieces(x), 2)[:, 0],
    "softmax": lambda x: torch.stack([x, torch.zeros_like(x)], dim=-1).softmax(-1)[:, 0],
}
