"""How far the parameters have come, and how far each step takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._norms import norms
from shinso.lens._step import Step


@dataclass(frozen=True)
class Distance:
    """Reads the distance of the parameters from where they started, and the size of the step.

    - ``distance_from_start`` and ``update_size``: L2 norms over all parameters;
    - ``distance_from_start/by_parameter`` and ``update_size/by_parameter``: of each parameter tensor.

    The start is before the first step at which this lens is read; one lens object serves one training. In units of the
    parameters: compare over time, not between tensors of different sizes. A distance that grows in proportion to the
    number of steps is directed motion; one that grows with its root is a random walk. Source: Schneider et al. 2021,
    arXiv 2102.06604, §3.
    """

    _start: dict[str, Tensor] = field(default_factory=dict, repr=False, compare=False)

    name = "distance"
    needs = frozenset({Need.PARAMETERS_BEFORE, Need.PARAMETERS_AFTER})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings; raises ValueError where this lens has watched another model before."""
        before, after = step.parameters_before, step.parameters_after
        if not self._start:
            self._start.update(before)
        if {name: t.shape for name, t in self._start.items()} != {name: t.shape for name, t in after.items()}:
            raise ValueError("this lens holds the start of another model: make a new Distance() for each training")
        distances = norms(torch._foreach_sub(list(after.values()), [self._start[name] for name in after]))
        updates = norms(torch._foreach_sub(list(after.values()), list(before.values())))
        names = tuple(after)
        return {
            "distance_from_start": Reading(distances.norm()),
            "distance_from_start/by_parameter": Reading(distances, names),
            "update_size": Reading(updates.norm()),
            "update_size/by_parameter": Reading(updates, names),
        }
