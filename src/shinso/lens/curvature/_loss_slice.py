"""The loss along a line through the parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens._probe import Probe
from shinso.lens.curvature._directions import Direction


@dataclass(frozen=True)
class LossSlice:
    """Losses at distances from the model, in units of the direction's length."""

    distances: Float[Tensor, " points"]
    losses: Float[Tensor, " points"]


def loss_slice(probe: Probe, direction: Direction, distances: Sequence[float] | None = None) -> LossSlice:
    """The loss at the parameters plus ``distances`` times the direction; by default 51 from -1 to 1.

    Take a direction of ``filter_normalized(probe, random_direction(probe))``: along a plain random one the width of
    the valley shows the size of the weights, not the shape of the loss (Li et al. 2018, section 4). A direction to
    another model's parameters shows what lies between two solutions (Goodfellow et al. 2015).

    Do not take one line for the landscape: it shows one of very many directions, and a random one almost surely misses
    the few sharp ones. In eval mode batch normalisation keeps the statistics of the unmoved network.
    """
    at = torch.arange(-25, 26).double() / 25 if distances is None else torch.tensor(distances).double()
    with torch.no_grad():
        losses = [probe.loss(moved(probe, direction, float(distance))) for distance in at]
    return LossSlice(at, torch.stack(losses).double().cpu())


def moved(probe: Probe, direction: Direction, distance: float) -> dict[str, Shaped[Tensor, "..."]]:
    """The parameters that a direction moves, at a distance along it."""
    return {name: value + distance * direction[name] for name, value in probe.parameters.items() if name in direction}
