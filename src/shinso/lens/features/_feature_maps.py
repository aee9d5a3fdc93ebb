"""What the layers make of single examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.features._at_rest import at_rest
from shinso.lens.features._layer_outputs import seeing_outputs, seen_output


@torch.no_grad()
def feature_maps(
    model: nn.Module, inputs: Any, layers: Sequence[str] | None = None
) -> dict[str, Shaped[Tensor, "batch ..."]]:
    """The output of each layer by its path, in eval mode; ``layers`` names any modules, None means all convolutions.

    Of a layer that runs several times it is the first output. Raises ValueError for a layer that does not exist or
    does not run, and where there is no convolution to show by default.

    A map shows where its channel answers, not what it is for: a channel's meaning needs many images
    (``most_activating``). Values before a batch normalisation or rectification can look large and be cut off after it.

    Source: LeCun et al. 1998, figure 2 (lecture 001).
    """
    if layers is None:
        layers = convolutions(model)
        if not layers:
            raise ValueError(f"{type(model).__name__} has no convolution: name the layers to be shown, layers=[…]")
    with seeing_outputs(model, layers) as seen, at_rest(model) as run:
        run(inputs)
    return {layer: seen_output(seen, layer).detach() for layer in layers}


def convolutions(model: nn.Module) -> list[str]:
    """The paths of the model's convolutions, in the order in which it registers them."""
    return [path for path, module in model.named_modules() if isinstance(module, nn.modules.conv._ConvNd)]


@dataclass(frozen=True)
class FeatureMaps:
    """Reads ``feature_maps/<layer>``: what layers make of the first ``examples`` of the batch, in eval mode.

    Arrays of shape [examples, channels, …] of the first ``channels`` channels. What they mean, and when not to trust
    them, is said at ``feature_maps``. Each reading keeps whole maps: look at a few steps only. In training the batch is
    another one each time; to follow one example, ``inspect`` the model on it.

    Source: LeCun et al. 1998, figure 2 (lecture 001).
    """

    layers: tuple[str, ...] | None = None
    """The paths of the modules to look at; None means all convolutions, and nothing is read where there is none."""
    examples: int = 2
    channels: int = 16

    name = "feature_maps"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The maps by layer."""
        model = step.probe.model
        layers = convolutions(model) if self.layers is None else self.layers
        if not layers:
            return {}
        maps = feature_maps(model, first_examples(step.inputs, self.examples), layers)
        return {f"{self.name}/{layer}": Reading(values[:, : self.channels]) for layer, values in maps.items()}


def first_examples(batch: Any, count: int) -> Any:
    """The first examples of a batch of inputs or targets, in the form that it has."""
    if isinstance(batch, Tensor):
        return batch[:count] if batch.dim() else batch
    if isinstance(batch, Mapping):
        return {name: first_examples(value, count) for name, value in batch.items()}
    return tuple(first_examples(value, count) for value in batch) if isinstance(batch, tuple | list) else batch
