"""Derivatives of the activations in closed form, as in the table of lecture 004 section 6.3.3."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def _logistic(x: Tensor) -> Tensor:
    return torch.sigmoid(x) * torch.sigmoid(-x)


def _leaky_relu(x: Tensor, negative_slope: float = 0.01) -> Tensor:
    return torch.where(x > 0, 1.0, negative_slope).to(x)


def _parametric_relu(x: Tensor, weight: float = 0.25) -> Tensor:
    return _leaky_relu(x, weight)


def _randomized_leaky_relu(x: Tensor, lower: float = 1 / 8, upper: float = 1 / 3) -> Tensor:
    return _leaky_relu(x, (lower + upper) / 2)


def _elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    return torch.where(x > 0, 1.0, alpha * x.clamp(max=0).exp())


def _hard_tanh(x: Tensor) -> Tensor:
    return (x.abs() < 1).to(x)


def _radial_basis(x: Tensor, center: float = 0.0, width: float = 1.0) -> Tensor:
    distance = (x - center) / width
    return -2 / width * distance * torch.exp(-distance.square())


def _probout(x: Tensor) -> Tensor:
    return x.tanh() + x * (1 - x.tanh().square())


DERIVATIVES: Mapping[str, Callable[..., Tensor]] = {
    "identity": torch.ones_like,
    "binary_step": torch.zeros_like,
    "straight_through_step": torch.ones_like,
    "logistic": _logistic,
    "tanh": lambda x: 1 - x.tanh().square(),
    "arctan": lambda x: 1 / (1 + x.square()),
    "relu": lambda x: (x > 0).to(x),
    "absolute_value": torch.sign,
    "leaky_relu": _leaky_relu,
    "parametric_relu": _parametric_relu,
    "randomized_leaky_relu": _randomized_leaky_relu,
    "elu": _elu,
    "softplus": torch.sigmoid,
    "hard_tanh": _hard_tanh,
    "cosine": lambda x: -x.sin(),
    "radial_basis": _radial_basis,
    "maxout": torch.sign,
    "probout": _probout,
    "softmax": _logistic,
}
"""f'(x) by the name of f in the catalogue, with torch's names and defaults for what f takes besides x.

At kinks it is torch's convention (see ``derivative``), where the lecture's table has the slope on the right. The last
four are those of the curves that ``activation_curves`` draws of units with several inputs.
"""
