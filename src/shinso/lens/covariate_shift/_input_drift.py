"""How the distribution of each layer's inputs has moved since it was last looked at."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._nested import with_tensors
from shinso.lens._step import Step
from shinso.lens.covariate_shift._input_shift import input_shift, readings_of
from shinso.lens.covariate_shift._layer_inputs import LayerInputs, layer_inputs


class InputDrift:
    """Reads how far the distribution of each layer's inputs moved since the last reading, on one fixed batch.

    Readings are those of ``InputShift``, under ``input_drift/``; at the first reading there is no movement, and all
    distances are 0. Without ``inputs`` the fixed batch is the one of the step at which it is first read: for what the
    network does with data it is not trained on, give ``inputs`` of your own.

    The lens keeps the last distributions, so it belongs to one watch of one model. Its numbers depend on how many
    steps lie between readings: compare two trainings only at the same steps. The model runs in the mode it is in,
    which in training means batch normalisation by the fixed batch, and dropout masks that differ from reading to
    reading.

    Source: Ioffe and Szegedy 2015, section 1; Santurkar et al. 2018, figures 2 and 8 (lecture 000).
    """

    name = "input_drift"
    needs = frozenset({Need.PROBE})

    def __init__(self, inputs: Any = None, samples: int = 4096) -> None:
        self.inputs = inputs
        self.samples = samples
        self._last: LayerInputs | None = None

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings by layer and by unit."""
        if self.inputs is None:
            # A copy, since the training may write its next batch into the same tensors.
            self.inputs = with_tensors(step.probe.inputs, Tensor.clone)
        now = layer_inputs(step.probe.on(self.inputs, None), None, self.samples)
        before, self._last = self._last or now, now
        return readings_of(self.name, input_shift(before, now))
