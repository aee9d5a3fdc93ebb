"""Update ratio: how far a step moves each parameter tensor, relative to its size."""

from collections.abc import Mapping

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._norms import norms
from shinso.lens._step import Step


class UpdateRatio:
    """Reads ``update_ratio``: ‖w_after − w_before‖ / ‖w_before‖ of each parameter tensor, in the order of the model.

    Around 1e-3 is healthy for weights; much more means the learning rate is too high, much less that the tensor hardly
    learns (Stanford CS231n notes, Neural Networks 3, "Ratio of weights:updates"). NaN where a tensor was all zero. Do
    not trust it for tensors that start at zero, such as biases, nor under normalisation, where the scale of a weight
    is arbitrary.
    """

    name = "update_ratio"
    needs = frozenset({Need.PARAMETERS_BEFORE, Need.PARAMETERS_AFTER})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The ratios by parameter name."""
        before, after = list(step.parameters_before.values()), list(step.parameters_after.values())
        distances, sizes = norms(torch._foreach_sub(after, before)), norms(before)
        ratios = torch.where(sizes > 0, distances / sizes, float("nan"))
        return {"update_ratio": Reading(ratios, tuple(step.parameters_before))}
