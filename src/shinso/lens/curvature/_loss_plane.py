"""The loss on a plane through the parameters."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import Probe
from shinso.lens.curvature._directions import Direction
from shinso.lens.curvature._loss_slice import moved


@dataclass(frozen=True)
class LossPlane:
    """Losses on a grid around the model, which lies at (0, 0)."""

    first: Float[Tensor, " columns"]
    """Distances along the first direction."""
    second: Float[Tensor, " rows"]
    losses: Float[Tensor, "rows columns"]


def loss_plane(
    probe: Probe,
    first_direction: Direction,
    second_direction: Direction,
    first: Sequence[float] | None = None,
    second: Sequence[float] | None = None,
) -> LossPlane:
    """The losses at the parameters plus multiples of two directions; by default 21 by 21 from -1 to 1.

    It runs the model once for each point of the grid. Filter-normalised random directions show the shape around a
    solution (Li et al. 2018, section 4), those of ``principal_plane`` the way that training took. Two random directions
    in a space of so many dimensions are nearly orthogonal; the grid takes them as they are.

    Do not trust what the plane does not show: a section of a saddle can look like a minimum, for the curvature in it is
    a mean of all curvatures (section 6 of the paper measures how much is hidden). In eval mode batch normalisation
    keeps the statistics of the unmoved network.
    """
    columns, rows = (
        torch.arange(-10, 11).double() / 10 if at is None else torch.tensor(at).double() for at in (first, second)
    )
    shared = {name: torch.zeros_like(value) for name, value in probe.parameters.items()}
    along_first, along_second = ({**shared, **direction} for direction in (first_direction, second_direction))
    with torch.no_grad():
        losses = [
            probe.loss(moved(probe, {name: x * along_first[name] + y * along_second[name] for name in shared}, 1.0))
            for y in rows.tolist()
            for x in columns.tolist()
        ]
    return LossPlane(columns, rows, torch.stack(losses).double().cpu().view(len(rows), len(columns)))
