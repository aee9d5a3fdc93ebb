"""Linear regions as a lens: how many there are around three examples, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.regions._plane import Plane, plane_through
from shinso.lens.regions._sliceable import examples_of
from shinso.lens.regions._subdivision import TooManyRegions, subdivide


@dataclass(frozen=True)
class LinearRegions:
    """Reads how many linear regions there are around the batch's first three examples, after each layer.

    ``linear_regions/plane`` counts those of the rectangle around all three, in the plane through them, and
    ``linear_regions/line`` those on the segment from the first to the second; both exactly. NaN, and nothing for later
    layers, where there are more than ``most``, as in a plane through most image networks. ``linear_regions`` says for
    which networks, what the number means and when not to trust it, and ``draw_linear_regions`` draws them.

    The network is seen in evaluation mode, whatever mode it is in. To see a change in training keep to the same three
    examples (first in the batch given to ``watch.step``), for each batch has a plane of its own. A smooth network
    (tanh, GELU, softmax inside) has no regions: the error names what is smooth, and ``TrajectoryLength`` is for those.
    Source: Hanin and Rolnick 2019, figures 1 and 5; Montúfar et al. 2014; lecture 001, expressive power.
    """

    margin: float = 0.25
    """Around the examples in the plane, as a fraction of their extent."""
    most: int = 2_000

    name: ClassVar[str] = "linear_regions"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The counts by piecewise-linear function, in the order in which they run; nothing for an affine network."""
        examples = examples_of(step.probe, 3, self.name).double()
        line = Plane(examples[0], examples[1] - examples[0], torch.zeros_like(examples[0]))
        model = step.probe.model
        readings = {
            "linear_regions/plane": _counts(model, plane_through(examples, self.margin), self.most),
            "linear_regions/line": _counts(model, line, self.most),
        }
        return {name: reading for name, reading in readings.items() if reading.labels}


def _counts(model: nn.Module, plane: Plane, most: int) -> Reading:
    try:
        found = subdivide(model, plane, most)
    except TooManyRegions as error:
        return Reading(torch.tensor([*error.counts, float("nan")]), (*error.layers, error.layer))
    counts = [float(len(polygons)) for polygons in found.polygons]
    return Reading(torch.tensor(counts[: len(found.layers)]), found.layers)
