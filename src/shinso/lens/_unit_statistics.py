"""Moments of each unit's output, and how often it is dead or saturated."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._flat_parts import FlatParts

_NEAR_A_BOUND = 0.01
"""As a fraction of the distance between the bounds."""


@dataclass(frozen=True)
class UnitStatistics:
    """Of each unit over all examples and positions; fractions are None where the function has no such part."""

    count: int
    """Values per unit: examples times positions."""
    mean: Float[Tensor, " units"]
    variance: Float[Tensor, " units"]
    dead: Float[Tensor, " units"] | None = None
    saturated: Float[Tensor, " units"] | None = None

    @property
    def units(self) -> int:
        """How many units the layer has."""
        return self.mean.numel()


def unit_statistics(output: Float[Tensor, "..."], unit_axis: int, flat: FlatParts | None) -> UnitStatistics:
    """The statistics of a layer's output, whose units lie along ``unit_axis``; variances are of the batch (no n-1)."""
    values = output.detach()
    values = values if values.dtype == torch.float64 else values.float()
    others = [axis for axis in range(values.dim()) if axis != unit_axis % values.dim()]
    if not others:
        values, others = values.unsqueeze(0), [0]
    mean = values.mean(others, keepdim=True)
    # Several times faster on the CPU than torch.var_mean, and as accurate: the mean is taken out first.
    variance = (values - mean).square_().mean(others)
    count = values.numel() // max(mean.numel(), 1)
    return UnitStatistics(
        count, mean.flatten(), variance, _dead(values, others, flat), _saturated(values, others, flat)
    )


def pooled(first: UnitStatistics, second: UnitStatistics) -> UnitStatistics:
    """The statistics of both sets of values together (Chan, Golub and LeVeque 1983, eq. 2.1)."""
    count = first.count + second.count
    share = second.count / count
    apart = second.mean - first.mean
    return UnitStatistics(
        count,
        first.mean.lerp(second.mean, share),
        first.variance.lerp(second.variance, share) + share * (1 - share) * apart.square(),
        _mixed(first.dead, second.dead, share),
        _mixed(first.saturated, second.saturated, share),
    )


def _dead(values: Tensor, others: list[int], flat: FlatParts | None) -> Tensor | None:
    if flat is None or not flat.off_at_zero:
        return None
    # Writing the comparison as floats saves a pass over a tensor of truth values.
    return torch.eq(values, 0, out=torch.empty_like(values)).mean(others)


def _saturated(values: Tensor, others: list[int], flat: FlatParts | None) -> Tensor | None:
    if flat is None or flat.bounds is None:
        return None
    lower, upper = flat.bounds
    margin = _NEAR_A_BOUND * (upper - lower)
    high = torch.gt(values, upper - margin, out=torch.empty_like(values)).mean(others)
    if flat.off_at_zero:
        return high  # its lower bound is where it counts as dead
    return high + torch.lt(values, lower + margin, out=torch.empty_like(values)).mean(others)


def _mixed(first: Tensor | None, second: Tensor | None, share: float) -> Tensor | None:
    return None if first is None or second is None else first.lerp(second, share)
