"""The plane in which training moved most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens.curvature._parameter_vectors import ParameterVectors


@dataclass(frozen=True)
class PrincipalPlane:
    """Two orthonormal directions, and a trajectory's shadow on the plane through its last point."""

    first: dict[str, Shaped[Tensor, "..."]]
    second: dict[str, Shaped[Tensor, "..."]]
    coordinates: Float[Tensor, "points 2"]
    """Of each point of the trajectory; the last is (0, 0)."""
    explained: tuple[float, float]
    """The shares of the trajectory's variance along the two directions."""


def principal_plane(trajectory: Sequence[Mapping[str, Shaped[Tensor, "..."]]]) -> PrincipalPlane:
    """The first two principal directions of the way from the points of a trajectory to its last one.

    The points are copies of the parameters by name, taken now and then: ``{name: value.clone() for name, value in
    probe.parameters.items()}``. Hand the directions to ``loss_plane`` with the model at the last point.

    Two random directions show nothing of a trajectory, because it is nearly orthogonal to them (Li et al. 2018, section
    7.1). Do not trust distances or the loss under a point of the shadow if ``explained`` is far from 1 in sum: the
    point itself lies off the plane. And principal directions of any smooth or even random walk make a plausible arc
    (Antognini and Sohl-Dickstein 2018). Raises ValueError for fewer than three points.
    Source: Li et al. 2018, section 7.2.
    """
    if len(trajectory) < 3:
        raise ValueError(f"a plane needs at least three points of the trajectory; got {len(trajectory)}")
    vectors = ParameterVectors(trajectory[-1])
    last = vectors.flat(trajectory[-1]).double()
    ways = torch.stack([vectors.flat(point).double() - last for point in trajectory])
    centred = ways - ways.mean(dim=0)
    # The small matrix of inner products has the same principal directions as the large covariance.
    variances, combinations = torch.linalg.eigh(centred @ centred.T)
    directions = combinations[:, [-1, -2]].T @ centred
    directions /= directions.norm(dim=1, keepdim=True).clamp_min(1e-300)
    # Of a straight way the second is rounding, along the first as a rule: any other orthogonal to it will do.
    orthonormal, sizes = torch.linalg.qr(directions.T)
    directions = (orthonormal * torch.where(sizes.diagonal() < 0, -1.0, 1.0)).T
    explained = (variances[[-1, -2]] / variances.sum().clamp_min(1e-300)).tolist()
    first, second = (vectors.named(direction.to(vectors.dtype)) for direction in directions)
    return PrincipalPlane(first, second, (ways @ directions.T).cpu(), (explained[0], explained[1]))
