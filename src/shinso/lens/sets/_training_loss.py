"""The loss of the batch that is trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step


@dataclass(frozen=True)
class TrainingLoss:
    """Reads ``loss``: the mean loss of the step's batch, before the step.

    From the outputs that the training itself computed; where the model ran several times in the step, or its outputs
    are no plain tensors, from one more run. Do not trust it as a measure of progress from one step to the next: it is
    as noisy as the batch is small, and includes dropout.
    """

    name = "training_loss"
    needs = frozenset({Need.OUTPUTS, Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The reading."""
        probe = step.probe
        if step.outputs is None:
            return {"loss": Reading(probe.loss().detach())}
        return {"loss": Reading(probe.loss_function(step.outputs, probe.targets).detach())}
