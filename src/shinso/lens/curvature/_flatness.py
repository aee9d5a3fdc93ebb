"""A lens on how sharp the minimum is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.curvature._epsilon_sharpness import epsilon_sharpness
from shinso.lens.curvature._filter_normalized_sharpness import Sharpness, filter_normalized_sharpness


@dataclass(frozen=True)
class Flatness:
    """Reads ``sharpness/epsilon`` and ``sharpness/filter_normalized``: rises of the loss, in percent of 1 + loss.

    The first is the largest rise found in a small box around the parameters, the second the mean rise when each filter
    is changed at random by a tenth of its length; ``sharpness/filter_normalized_low`` and ``_high`` are the ends of its
    95 % confidence interval over directions. NaN where the loss is not finite. The two together cost about 20 gradients
    and 20 runs of the model.

    Do not compare two networks by the first unless they were trained from the same start with the same normalisation:
    it depends on how scale is distributed over layers (see ``rescaled``). Both refer to the batch that was seen.
    Source: Keskar et al. 2017, metric 2.1; Li et al. 2018, section 4.
    """

    epsilon: float = 1e-3
    radius: float = 0.1
    directions: int = 10

    name: ClassVar[str] = "flatness"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """Both measures of sharpness."""
        try:
            box = epsilon_sharpness(step.probe, self.epsilon)
            filters = filter_normalized_sharpness(step.probe, self.radius, directions=self.directions)
        except FloatingPointError:
            box = float("nan")
            filters = Sharpness(box, box, box, self.directions)
        values = {
            "epsilon": box,
            "filter_normalized": filters.value,
            "filter_normalized_low": filters.low,
            "filter_normalized_high": filters.high,
        }
        return {f"sharpness/{name}": Reading(torch.tensor(value).double()) for name, value in values.items()}
