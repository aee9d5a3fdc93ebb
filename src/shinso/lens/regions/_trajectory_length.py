"""Trajectory length: how much longer each layer makes the way from one input to another."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._stacked import stacked
from shinso.lens._step import Step
from shinso.lens.propagation._layer_outputs import layer_outputs
from shinso.lens.regions._sliceable import examples_of


def arc(
    start: Float[Tensor, "*input"], end: Float[Tensor, "*input"], points: int = 100
) -> Float[Tensor, "point *input"]:
    """Points at even angles φ on the quarter turn cos(φ)·start + sin(φ)·end.

    It is a circle where both are as long as each other and orthogonal.

    Source: Raghu et al. 2017, section 2.2. Raises ValueError for fewer than 2 points.
    """
    if points < 2:
        raise ValueError(f"a way has at least 2 points; got {points}")
    angles = torch.linspace(0, math.pi / 2, points, dtype=start.dtype, device=start.device)
    angles = angles.reshape(-1, *(1 for _ in start.shape))
    return angles.cos() * start + angles.sin() * end


def path_length(points: Float[Tensor, "point *shape"]) -> Float[Tensor, ""]:
    """The sum of the distances from each point to the next."""
    distances: Tensor = vector_norm((points[1:] - points[:-1]).flatten(1), dim=1)
    return distances.sum()


def trajectory_lengths(probe: Probe, points: Float[Tensor, "point *input"]) -> dict[str, Float[Tensor, ""]]:
    """The length of the points' way in each layer's output, by layer, relative to its length in the input.

    Raises ValueError where the way has no length. When not to trust it: see ``TrajectoryLength``.
    """
    length = path_length(points)
    if not length > 0:
        raise ValueError(f"the way has length {length.item():g}: take two inputs that differ, and are finite")
    with torch.no_grad():
        outputs, _ = layer_outputs(probe.on(points, probe.targets))
    return {
        layer: path_length(output) / length
        for layer, output in outputs.items()
        if output.dim() > 1 and len(output) == len(points)
    }


@dataclass(frozen=True)
class TrajectoryLength:
    """Reads ``trajectory_length``: how much longer the arc from the batch's first input to its second is in each layer.

    At initialization of a wide network the length grows exponentially with depth, by a factor √(weight variance) and
    more from layer to layer, and the regions crossed along the way with it; what grows so is how sensitive the network
    is to noise in that layer (Raghu et al. 2017, theorem 1 and figure 3). Do not compare layers of different widths by
    it, nor read the scale of layers before a normalization: doubling a layer's weights doubles its length and may
    mean nothing. The points between two examples are no examples. In training mode batch normalization sees the points
    as one batch. The way is a polygon of ``points`` corners, and too short where a layer turns between two of them.

    For models of one tensor of floating point; layers whose output does not have the batch as first axis are left out.
    Source: Raghu et al. 2017, section 2.2; lecture 001, the number of layers and expressive power.
    """

    points: int = 100

    name: ClassVar[str] = "trajectory_length"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The lengths by layer."""
        first, second = examples_of(step.probe, 2, self.name)
        lengths = trajectory_lengths(step.probe, arc(first, second, self.points))
        return {"trajectory_length": Reading(stacked(list(lengths.values())), tuple(lengths))} if lengths else {}
