"""An estimate of the regions of a plane for networks that cannot be cut exactly."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import jvp
from torch.utils import _pytree as pytree

from shinso._run_with import run_with
from shinso.lens._subject import unwrapped
from shinso.lens.regions._at_rest import at_rest, in_double_precision
from shinso.lens.regions._plane import Plane


@dataclass(frozen=True, eq=False)
class GridRegions:
    """Which derivatives the model has at each point of a grid."""

    plane: Plane
    labels: Int[Tensor, "rows columns"]
    """Points with equal derivatives have equal numbers, from 0 up; rows along the second edge, columns the first."""

    @property
    def count(self) -> int:
        """How many different derivatives there are: at most as many as regions."""
        return int(self.labels.max()) + 1


def grid_regions(model: nn.Module, plane: Plane, points: int = 64, at_once: int = 1024) -> GridRegions:
    """A number of regions from below: how many different derivatives the model has at points² points of the plane.

    For any model in evaluation mode of one tensor of floating point, with derivatives by forward mode in double
    precision. It misses regions that lie between the points, and counts those with equal derivatives once: take more
    points until the number settles.

    Raises ValueError for fewer than 2 points along an edge, and where hardly any neighbours agree: the network is
    smooth and has no regions, or the grid is far too coarse.
    """
    if points < 2:
        raise ValueError(f"a grid has at least 2 points along an edge; got {points}")
    along = (torch.arange(points, dtype=torch.float64) + 0.5) / points
    grid = torch.cartesian_prod(along, along).flip(1)
    slopes = torch.cat([_slopes(unwrapped(model), plane, some) for some in torch.split(grid, at_once)])
    rounded = (slopes / slopes.abs().max().clamp_min(1e-300) * 1e7).round()
    labels = torch.unique(rounded, dim=0, return_inverse=True)[1].reshape(points, points)
    if points**2 >= 16 and _agreement(labels) < 0.02:
        raise ValueError(
            f"on a grid of {points}×{points} points hardly two neighbours have the same derivatives: the model is "
            "smooth and has no linear regions, or the grid is too coarse (raise `points`, or take a smaller plane)"
        )
    return GridRegions(plane, labels)


def _agreement(labels: Int[Tensor, "rows columns"]) -> float:
    """The share of neighbours with the same label."""
    across, down = labels[:, 1:] == labels[:, :-1], labels[1:] == labels[:-1]
    return torch.cat([across.flatten(), down.flatten()]).double().mean().item()


def _slopes(model: nn.Module, plane: Plane, coordinates: Float[Tensor, "point 2"]) -> Float[Tensor, "point slope"]:
    """The derivatives of all outputs along both edges."""
    state = in_double_precision(model)
    device = next(model.parameters()).device
    inputs, *edges = (part.to(device) for part in (plane.points(coordinates), plane.first_edge, plane.second_edge))

    def outputs(inputs: Tensor) -> Tensor:
        leaves = pytree.tree_leaves(run_with(model, state, (inputs,), {}))
        kept = [leaf for leaf in leaves if isinstance(leaf, Tensor) and leaf.is_floating_point()]
        return torch.cat([leaf.reshape(len(inputs), -1) for leaf in kept], dim=1)

    with at_rest(model), torch.no_grad():
        along = [jvp(outputs, (inputs,), (edge.expand_as(inputs),))[1] for edge in edges]
    return torch.cat(along, dim=1).cpu()
