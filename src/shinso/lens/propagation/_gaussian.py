"""Means over Gaussian variables by quadrature, exact also for functions with a kink at zero."""

import math
from collections.abc import Callable
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

_FAR = 12.0
"""Standard deviations beyond which nothing is left in double precision."""
_NODES = 80


def gaussian_mean(
    function: Callable[[Float[Tensor, " node"]], Float[Tensor, " node"]], variance: Float[Tensor, ""]
) -> Float[Tensor, ""]:
    """E[f(u)] for u normal with mean 0, by Gauss-Legendre quadrature on either side of zero."""
    nodes, weights = _nodes(variance.new_tensor(0.0))
    values = function((variance.sqrt() * nodes).flatten())
    return (values * (weights * _density(nodes)).flatten()).sum()


def gaussian_product_mean(
    first: Callable[[Float[Tensor, " node"]], Float[Tensor, " node"]],
    second: Callable[[Float[Tensor, " node"]], Float[Tensor, " node"]],
    variances: tuple[Float[Tensor, ""], Float[Tensor, ""]],
    correlation: Float[Tensor, ""],
) -> Float[Tensor, ""]:
    """E[f(u) g(v)] for u and v jointly normal with mean 0."""
    outer, outer_weights = _nodes(correlation.new_tensor(0.0))
    rest = (1 - correlation.square()).clamp_min(0).sqrt()
    # v = √q₂ (c z₁ + √(1-c²) z₂) is zero at this z₂: the inner integral is split there.
    inner, weights = _nodes((-correlation * outer / rest.clamp_min(1e-12)).clamp(-_FAR, _FAR))
    left = first(variances[0].sqrt() * outer)
    right = second((variances[1].sqrt() * (correlation * outer[:, None] + rest * inner)).flatten()).reshape(inner.shape)
    averaged = (right * weights * _density(inner)).sum(dim=1)
    return (left * averaged * outer_weights * _density(outer)).sum()


def _nodes(split: Float[Tensor, "*points"]) -> tuple[Float[Tensor, "*points node"], Float[Tensor, "*points node"]]:
    """Nodes and weights between ±12, with an end of an interval at each point of ``split``."""
    raw, raw_weights = (part.to(split) for part in _legendre())
    below, above = (split[..., None] + _FAR) / 2, (_FAR - split[..., None]) / 2
    nodes = torch.cat([below * (raw + 1) - _FAR, _FAR - above * (1 - raw)], dim=-1)
    return nodes, torch.cat([below * raw_weights, above * raw_weights], dim=-1)


@cache
def _legendre() -> tuple[Float[Tensor, " node"], Float[Tensor, " node"]]:
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return torch.from_numpy(nodes), torch.from_numpy(weights)


def _density(values: Float[Tensor, "*points"]) -> Float[Tensor, "*points"]:
    return torch.exp(-values.square() / 2) / math.sqrt(2 * math.pi)
