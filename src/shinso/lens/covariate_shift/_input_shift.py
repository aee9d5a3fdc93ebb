"""Internal covariate shift as it was first meant: how one step moves the distribution of each layer's inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._stacked import stacked
from shinso.lens._step import Step
from shinso.lens.covariate_shift._layer_inputs import LayerInputs, layer_inputs
from shinso.lens.covariate_shift._wasserstein import wasserstein_distance


class Moved(NamedTuple):
    """How the distribution of one layer's inputs moved, by unit; all in the units of the inputs."""

    mean: Float[Tensor, " units"]
    """After the movement."""
    deviation: Float[Tensor, " units"]
    """The standard deviation after it (of the batch, no n − 1)."""
    mean_moved: Float[Tensor, " units"]
    deviation_moved: Float[Tensor, " units"]
    wasserstein: Float[Tensor, " units"]
    """The 1-Wasserstein distance between before and after: at least the distance of the means."""
    scale: Float[Tensor, ""]
    """The mean over the units of the standard deviation before: what to divide by to compare layers."""


def input_shift(before: LayerInputs, after: LayerInputs) -> dict[str, Moved]:
    """How the distribution of each layer's inputs moved, for the layers that ran in both.

    >>> import torch
    >>> before = torch.tensor([[0.0], [2.0]])
    >>> input_shift({"layer": before}, {"layer": before + 3})["layer"].wasserstein
    tensor([3.])
    """
    return {layer: _moved(before[layer], values) for layer, values in after.items() if layer in before}


@dataclass(frozen=True)
class InputShift:
    """Reads how far this step of training moved the distribution of each layer's inputs, on the step's own batch.

    The batch goes through the model before and after the optimizer's step, so nothing but the parameters differs, and
    even the smallest movement is seen without noise from sampling. By layer, in the order in which layers run:

    - ``input_shift/wasserstein``: the 1-Wasserstein distance between the inputs before and after, its mean over the
      units divided by the mean standard deviation of the units before: 0.01 is a movement of 1 % of their spread;
    - ``input_shift/mean_moved`` and ``/deviation_moved``: the same of |Δ mean| and |Δ standard deviation|;
    - ``input_shift/mean`` and ``/deviation``: the moments themselves after the step, means over the units;

    and by unit ``input_shift/<layer>/wasserstein``, ``/mean`` and ``/deviation``, in the units of the inputs. A layer
    fed by the data alone reads 0; NaN where all units of a layer were constant.

    Do not trust it as a measure of how hard a layer has to work: networks with noise injected behind each batch
    normalisation move far more and train as well (Santurkar et al. 2018, section 2.1); ``GradientShift`` is the
    definition by what the movement does to the gradient. Dead units count in the mean, and a layer whose units have
    very different spreads is judged by the widest. Small batches in training mode move by what batch normalisation
    makes of them.

    Source: Ioffe and Szegedy 2015, section 1; lecture 000, "Batch Normalization" and Santurkar et al. 2.1.
    """

    samples: int = 4096
    """How many values of each unit are compared; as many as there are, if fewer."""

    name = "input_shift"
    needs = frozenset({Need.PARAMETERS_BEFORE, Need.PARAMETERS_AFTER, Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings by layer and by unit; nothing when no layer has an input of real numbers."""
        trained = step.probe.parameters
        earlier = {name: value for name, value in step.parameters_before.items() if name in trained}
        before = layer_inputs(step.probe, earlier, self.samples)
        return readings_of(self.name, input_shift(before, layer_inputs(step.probe, None, self.samples)))


def readings_of(lens: str, moved: Mapping[str, Moved]) -> dict[str, Reading]:
    """The readings of a lens for the movement of each layer."""
    if not moved:
        return {}
    layers, by_layer = tuple(moved), list(moved.values())
    readings = {
        "wasserstein": stacked([one.wasserstein.mean() / one.scale for one in by_layer]),
        "mean_moved": stacked([one.mean_moved.abs().mean() / one.scale for one in by_layer]),
        "deviation_moved": stacked([one.deviation_moved.abs().mean() / one.scale for one in by_layer]),
        "mean": stacked([one.mean.mean() for one in by_layer]),
        "deviation": stacked([one.deviation.mean() for one in by_layer]),
    }
    units = {
        f"{layer}/{quantity}": getattr(one, quantity)
        for layer, one in moved.items()
        for quantity in ("wasserstein", "mean", "deviation")
    }
    return {f"{lens}/{name}": Reading(values, layers) for name, values in readings.items()} | {
        f"{lens}/{name}": Reading(values) for name, values in units.items()
    }


def _moved(before: Float[Tensor, "samples units"], after: Float[Tensor, "others units"]) -> Moved:
    before, after = _wide(before), _wide(after)
    deviation_before, deviation = before.std(0, correction=0), after.std(0, correction=0)
    mean = after.mean(0)
    return Moved(
        mean,
        deviation,
        mean - before.mean(0),
        deviation - deviation_before,
        wasserstein_distance(before, after),
        deviation_before.mean(),
    )


def _wide(values: Float[Tensor, "samples units"]) -> Float[Tensor, "samples units"]:
    # Sums of thousands of half-precision values lose all their digits.
    return values if values.dtype.itemsize > 2 else values.float()
