"""Information plane: what each layer knows of the inputs and of the targets, step by step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.information._classes import classes_of
from shinso.lens.information._layer_information import LayerInformation, layer_information


@dataclass(frozen=True)
class InformationPlane:
    """Reads I(X;T) and I(T;Y) of each layer T in bits, by binning, kernel density and nearest neighbours.

    By layer, ``information/input_binned``, ``/input_lower`` and ``/input_upper`` hold I(X;T); ``/target_binned``,
    ``/target_kernel`` with its bounds ``/target_lower`` and ``/target_upper``, and ``/target_neighbours`` hold I(T;Y).
    ``/input_disagreement`` and ``/target_disagreement`` are the widest gap between two estimators; ``/input_limit`` and
    ``/target_limit`` are the most that could be read from this batch. ``draw_information_plane`` draws them, and
    ``information_warnings`` says where not to believe them.

    In the picture of Shwartz-Ziv and Tishby I(T;Y) rises first (fitting), then I(X;T) falls (compression). Saxe et al.
    find the fall for tanh, whose outputs saturate, and not for ReLU. Do not trust a value where the estimators
    disagree, nor one close to its limit: a layer with more than a few units gives every example a cell of its own,
    and the batch is too small to see more. Only widths up to about 10 units can be read from a few thousand examples.
    Compare batches of one size only. In training mode dropout and batch normalization make T random, and binning reads
    too much.

    Read are the layer's first run in the step, of the first ``examples`` of the batch; layers whose outputs do not have
    the batch as their first axis are left out. Source: Shwartz-Ziv and Tishby 2017, figure 2; Saxe et al. 2018, figure
    1; lecture 001, Information Bottleneck.
    """

    bins: int = 30
    bounds: tuple[float, float] | None = None
    """Of the outermost bins: (-1, 1) for tanh as in the papers; None spans each layer's own outputs at each step."""
    examples: int = 512
    layers: tuple[str, ...] | None = None
    """None for all."""

    name: ClassVar[str] = "information_plane"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.ACTIVATIONS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The estimates by layer; raises ValueError where the step has no targets or a layer is unknown."""
        if not isinstance(step.targets, Tensor):
            raise ValueError(
                f"the information plane needs the targets as a tensor, got {type(step.targets).__name__}: "
                "watch.step(inputs, targets)"
            )
        classes = classes_of(step.targets)[: self.examples]
        outputs = dict(self._outputs(step, len(step.targets)))
        known = {n: layer_information(o, classes.to(o.device), self.bins, self.bounds) for n, o in outputs.items()}
        return _readings(known)

    def _outputs(self, step: Step, count: int) -> Iterator[tuple[str, Tensor]]:
        unknown = sorted(set(self.layers or ()) - set(step.activations))
        if unknown:
            raise ValueError(f"no layer {', '.join(unknown)} ran; there are {', '.join(step.activations)}")
        for layer in step.activations if self.layers is None else self.layers:
            output = step.activations[layer][0]
            if output.dim() > 1 and len(output) == count:
                yield layer, output[: self.examples]


def _readings(known: Mapping[str, LayerInformation]) -> dict[str, Reading]:
    if not known:
        return {}
    layers, by_layer = tuple(known), tuple(known.values())
    columns = {
        "input_binned": [layer.binned.input for layer in by_layer],
        "input_lower": [layer.kernel.lower.input for layer in by_layer],
        "input_upper": [layer.kernel.upper.input for layer in by_layer],
        "input_disagreement": [layer.disagreement.input for layer in by_layer],
        "target_binned": [layer.binned.target for layer in by_layer],
        "target_lower": [layer.kernel.lower.target for layer in by_layer],
        "target_upper": [layer.kernel.upper.target for layer in by_layer],
        "target_kernel": [layer.kernel.estimate.target for layer in by_layer],
        "target_neighbours": [layer.neighbours for layer in by_layer],
        "target_disagreement": [layer.disagreement.target for layer in by_layer],
    }
    readings = {f"information/{name}": Reading(torch.tensor(values), layers) for name, values in columns.items()}
    limits = by_layer[0].limits
    readings["information/input_limit"] = Reading(torch.tensor(limits.input))
    readings["information/target_limit"] = Reading(torch.tensor(limits.target))
    return readings
