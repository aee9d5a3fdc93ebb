"""The regions of a plane on which a network is affine, exactly."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.lens.regions._plane import Plane
from shinso.lens.regions._polygons import areas
from shinso.lens.regions._subdivision import subdivide


@dataclass(frozen=True, eq=False)
class PlaneRegions:
    """A plane cut into polygons by a network's piecewise-linear functions."""

    plane: Plane
    layers: tuple[str, ...]
    """The piecewise-linear functions in the order in which they ran."""
    polygons: tuple[Float[Tensor, "_ _ 2"], ...]
    """After each layer, in the plane's coordinates s and t; shorter polygons repeat their last vertex."""
    outputs: Float[Tensor, "region 3 output"]
    """Of each region's affine function: at the plane's corner, and its change along the first and second edge."""

    @property
    def count(self) -> int:
        """The number of activation regions: polygons on which no unit changes its piece."""
        return len(self.polygons[-1])

    @property
    def count_by_layer(self) -> tuple[int, ...]:
        """The number after each layer."""
        return tuple(map(len, self.polygons)) if self.layers else ()

    @property
    def areas(self) -> Float[Tensor, " region"]:
        """Of each region, as a share of the plane's rectangle."""
        return areas(self.polygons[-1])

    @property
    def different_functions(self) -> int:
        """How many different affine functions there are: fewer than regions where the output does not see a border."""
        scale = self.outputs.abs().max().clamp_min(1e-300)
        return len(torch.unique((self.outputs / scale * 1e7).round().flatten(1), dim=0))


def linear_regions(model: nn.Module, plane: Plane, most: int = 200_000) -> PlaneRegions:
    """The exact regions of the plane on which the network, in evaluation mode, is affine.

    Every unit cuts the regions that the layers before it have left, along the straight line on which it changes its
    piece. The model may have any shape (residual sums, convolutions, shared parts) as long as it takes one tensor
    of floating point, and all its functions are affine, or are ReLU and its kin, clamp, abs, maximum or max pooling;
    what else it computes is found out while it runs, and named in the error. Computed in double precision; regions
    thinner than 1e-10 of the plane are dropped. Each polygon is run as four examples. The number of regions grows with
    the square of the number of units: planes are for networks of some thousands of units, lines for any.

    The count is of activation regions, at least that of the maximal regions on which the output is affine (Hanin and
    Rolnick 2019, section 2). It says how much the network could bend, not how much it does: do not read it as
    complexity of what was learned, nor compare planes of different sizes. It changes little in training, and
    is far below the bound of Montúfar et al., which only special weights reach.

    Raises ValueError for what is not piecewise linear, with its name, and TooManyRegions for more than ``most``.

    Source: Montúfar et al. 2014, section 2; Hanin and Rolnick 2019 (slices through three examples, figure 1);
    lecture 001, the number of layers and expressive power.

    >>> from shinso.lens.regions import plane_through
    >>> plane = plane_through(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    >>> linear_regions(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), plane).layers
    ('1.relu',)
    """
    found = subdivide(model, plane, most)
    return PlaneRegions(plane, found.layers, found.polygons, found.outputs)
