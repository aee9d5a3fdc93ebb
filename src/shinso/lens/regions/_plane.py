"""A rectangle in a plane of the input space."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Plane:
    """The points ``corner + s·first_edge + t·second_edge`` with s and t from 0 to 1, in double precision.

    Each of the three is one input, without a batch axis.
    """

    corner: Float[Tensor, "*input"]
    first_edge: Float[Tensor, "*input"]
    second_edge: Float[Tensor, "*input"]

    def points(self, coordinates: Float[Tensor, "point 2"]) -> Float[Tensor, "point *input"]:
        """The inputs at these s and t."""
        s, t = (coordinates.to(self.corner).reshape(-1, 2, *(1 for _ in self.corner.shape))).unbind(dim=1)
        return self.corner + s * self.first_edge + t * self.second_edge

    @property
    def size(self) -> tuple[float, float]:
        """The lengths of the two edges."""
        return self.first_edge.norm().item(), self.second_edge.norm().item()

    def coordinates(self, inputs: Float[Tensor, "point *input"]) -> Float[Tensor, "point 2"]:
        """s and t of the points of the plane that are closest to these inputs."""
        edges = torch.stack([self.first_edge.flatten(), self.second_edge.flatten()], dim=1)
        apart = (inputs.to(self.corner) - self.corner).flatten(1).T
        solution: Tensor = torch.linalg.lstsq(edges, apart).solution
        return solution.T


def plane_through(examples: Float[Tensor, "example *input"], margin: float = 0.25) -> Plane:
    """The rectangle around three examples, in the plane through them, with a margin as a fraction of its size.

    Its first edge is parallel to the way from the first example to the second. Raises ValueError where the three lie
    on one line, or are not three.

    >>> plane_through(torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]]), margin=0.5).size
    (4.0, 2.0)
    """
    if len(examples) != 3:
        raise ValueError(f"a plane goes through 3 examples; got {len(examples)}")
    wide = examples.detach().double()
    if examples[0].numel() < 2:
        raise ValueError("inputs of one number lie on one line, in no plane: take line_regions")
    # One product for both, so that the two directions are orthogonal to rounding.
    directions, lengths = torch.linalg.qr((wide[1:] - wide[0]).flatten(1).T)
    if lengths.diagonal().abs().min() <= 1e-9 * lengths.abs().max() or not lengths.isfinite().all():
        raise ValueError("the three examples lie on one line, or are not finite: take three others")
    directions = directions * lengths.diagonal().sign()
    places = torch.cat([lengths.new_zeros(1, 2), (lengths * lengths.diagonal().sign()[:, None]).T])
    low, high = places.min(dim=0).values, places.max(dim=0).values
    low, extent = low - margin * (high - low), (1 + 2 * margin) * (high - low)
    shape = examples.shape[1:]
    corner = wide[0] + (directions @ low).reshape(shape)
    edges = (directions * extent).T
    return Plane(corner, edges[0].reshape(shape), edges[1].reshape(shape))
