"""The pieces of a line on which a network is affine, exactly."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.lens.regions._plane import Plane
from shinso.lens.regions._subdivision import subdivide


@dataclass(frozen=True, eq=False)
class LineRegions:
    """A segment from one input to another, cut where a unit of the network changes its piece."""

    breakpoints: Float[Tensor, " breakpoint"]
    """Between 0 at the start and 1 at the end, rising."""
    outputs: Float[Tensor, "piece 2 output"]
    """Of each piece's affine function: at the start of the segment, and its change along the segment."""

    @property
    def count(self) -> int:
        """The number of pieces."""
        return len(self.outputs)

    @property
    def kinks(self) -> Float[Tensor, " kink"]:
        """Those of the breakpoints at which the output changes its slope."""
        slopes = self.outputs[:, 1]
        bends = (slopes[1:] - slopes[:-1]).abs().amax(dim=1) > 1e-9 * slopes.abs().max()
        return self.breakpoints[bends]


def line_regions(
    model: nn.Module, start: Float[Tensor, "*input"], end: Float[Tensor, "*input"], most: int = 200_000
) -> LineRegions:
    """The exact pieces of the segment between two inputs (without a batch axis) on which the network is affine.

    For which networks, with what precision, and when not to trust it: as ``linear_regions``.

    Source: Raghu et al. 2017, section 2.2 (transitions along a trajectory); Telgarsky 2016 and lecture 001 (the
    saw-tooth h∘h∘…, whose pieces double with each layer).

    >>> absolute = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    >>> _ = absolute[0].weight.data.copy_(torch.tensor([[1.0], [-1.0]])), absolute[0].bias.data.zero_()
    >>> line_regions(absolute, torch.tensor([-1.0]), torch.tensor([3.0])).breakpoints
    tensor([0.2500], dtype=torch.float64)
    """
    corner, far = start.detach().double(), end.detach().double()
    # The line is a plane whose second edge has no length, and which is cut into strips.
    found = subdivide(model, Plane(corner, far - corner, torch.zeros_like(corner)), most)
    places, order = found.polygons[-1][:, :, 0].amin(dim=1).sort()
    return LineRegions(places[1:], found.outputs[order, :2])


def trajectory_regions(
    model: nn.Module, points: Float[Tensor, "point *input"], most: int = 200_000
) -> tuple[LineRegions, ...]:
    """The pieces of each segment of the way from point to point: ``1 + Σ len(segment.breakpoints)`` regions in all.

    A region that the way leaves and enters again counts each time. Raises ValueError for fewer than two points.
    """
    if len(points) < 2:
        raise ValueError(f"a way has at least 2 points; got {len(points)}")
    return tuple(line_regions(model, start, end, most) for start, end in pairwise(points))
