"""Moments of each unit's output, and how often it is dead or saturated."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._flat_parts import FlatParts

_NEAR_A_BOUND = 0.01
"""As a fraction of the distance between the bounds."""
_ENTRIES_AT_ONCE = 1 << 18


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
    count = values.numel() // max(mean.numel(), 1)
    sums = torch.zeros(3, mean.numel(), dtype=values.dtype, device=values.device)
    # A few examples at a time: what is made of them stays in the cache, and leaves no holes in the memory.
    for part in torch.split(values, max(1, _ENTRIES_AT_ONCE * len(values) // max(1, values.numel()))):
        # Several times faster on the CPU than torch.var_mean, and as accurate: the mean is taken out first.
        away = part - mean
        sums[0] += away.square_().sum(others)
        if flat is not None:
            # Comparing into the same tensor saves one of truth values.
            _count_flat(part, flat, others, away, sums)
    dead, saturated = flat is not None and flat.off_at_zero, flat is not None and flat.bounds is not None
    variance, *shares = sums / max(count, 1)
    return UnitStatistics(
        count, mean.flatten(), variance, shares[0] if dead else None, shares[1] if saturated else None
    )


def _count_flat(values: Tensor, flat: FlatParts, others: list[int], scratch: Tensor, sums: Tensor) -> None:
    if flat.off_at_zero:
        sums[1] += torch.eq(values, 0, out=scratch).sum(others)
    if flat.bounds is None:
        return
    lower, upper = flat.bounds
    margin = _NEAR_A_BOUND * (upper - lower)
    sums[2] += torch.gt(values, upper - margin, out=scratch).sum(others)
    if not flat.off_at_zero:  # otherwise its lower bound is where it counts as dead
        sums[2] += torch.lt(values, lower + margin, out=scratch).sum(others)


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


def _mixed(first: Tensor | None, second: Tensor | None, share: float) -> Tensor | None:
    return None if first is None or second is None else first.lerp(second, share)
