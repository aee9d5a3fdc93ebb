"""Internal covariate shift by what it does to the gradient: how the update of the layers below changes a layer's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._norms import norms
from shinso.lens._probe import Parameters, Probe
from shinso.lens._stacked import stacked
from shinso.lens._step import Step
from shinso.lens.covariate_shift._layers_in_order import layers_in_order


class GradientPair(NamedTuple):
    """The gradient of the loss in one layer's parameters, flattened into one vector."""

    gradient: Float[Tensor, " entries"]
    """G: where all layers are as they were."""
    gradient_below_moved: Float[Tensor, " entries"]
    """G′: where the layers that run before this one have moved, and it and those after it have not."""

    @property
    def distance(self) -> Float[Tensor, ""]:
        """‖G − G′‖₂: the internal covariate shift of the layer."""
        return norms([self.gradient - self.gradient_below_moved])[0]

    @property
    def relative_distance(self) -> Float[Tensor, ""]:
        """‖G − G′‖₂ / ‖G‖₂; NaN or infinite where G is zero."""
        return self.distance / norms([self.gradient])[0]

    @property
    def cosine(self) -> Float[Tensor, ""]:
        """The cosine of the angle between G and G′, 1 where the direction did not change; NaN where either is zero."""
        # Scaled first: the product of two small norms underflows, and of two large ones overflows.
        first, second = (vector / norm for vector, norm in zip(self, norms(self), strict=True))
        return torch.dot(first, second).clamp(-1, 1)


def gradient_shift(
    probe: Probe, before: Parameters, after: Parameters, layers: Sequence[str] | None = None
) -> dict[str, GradientPair]:
    """For each layer the gradient of its parameters before and after the layers below it have moved, on one batch.

    ``before`` and ``after`` are the trained parameters by name on both sides of a step. Layers are the modules with
    trained parameters of their own, in the order in which they run; ``layers`` names those to look at (None: all),
    and the others still move. One gradient is taken for each layer, and one more; for a layer in the middle the
    backward pass stops at it. Raises ValueError for a layer that has no trained parameters or does not run.

    A model at rest has no step: make ``after`` one of gradient descent, ``{name: value - 0.1 * gradient[name]}``.

    Source: Santurkar et al. 2018, definition 2.1 (lecture 000, section 2.2).
    """
    known = layers_in_order(probe)
    for layer in layers or ():
        if layer not in known:
            raise ValueError(
                f"{layer!r} is no layer with trained parameters that runs; expected one of: {', '.join(known)}"
            )
    wanted = tuple(known) if layers is None else tuple(layer for layer in known if layer in layers)
    if not wanted:
        return {}
    gradient = _gradient(probe, before, [name for layer in wanted for name in known[layer]])
    pairs = {}
    moved = dict(before)
    for layer, names in known.items():
        if layer in wanted:
            pairs[layer] = GradientPair(_flat(gradient, names), _flat(_gradient(probe, moved, names), names))
        moved |= {name: after[name] for name in names}
    return pairs


@dataclass(frozen=True)
class GradientShift:
    """Reads what the update of the layers below does to each layer's gradient: internal covariate shift as published.

    For layer k, G is the gradient of its parameters at the start of the step, and G′ the gradient on the same batch
    when the layers that run before it have made their step, but it and those after it have not. By layer:

    - ``gradient_shift/distance``: ‖G − G′‖₂, the definition; it scales with the gradient and the learning rate, so
      compare it between trainings at the same learning rate and step, or take
    - ``gradient_shift/relative_distance``: ‖G − G′‖₂ / ‖G‖₂; from about 1 on the gradient that the layer used says
      nothing about the loss it met after the step;
    - ``gradient_shift/cosine``: cos(G, G′); 1 means that the direction stayed, 0 that it is unrelated. NaN where a
      gradient is zero.

    The first layer reads 0, 0 and 1 up to rounding: nothing runs before it. One gradient by layer at each reading:
    look rarely, or at a few ``layers``.

    Do not trust it as a reason for good or bad training: networks with batch normalisation have the larger shift and
    train better, which was the point of the paper. In branched networks "before" is the order in which layers start to
    run. Where a gradient is nearly zero, as at the end of training, cosines are rounding.

    Source: Santurkar, Tsipras, Ilyas and Madry 2018, definition 2.1 and figure 3 (lecture 000, section 2.2).
    """

    layers: tuple[str, ...] | None = None
    """The paths of the layers to look at; None means all."""

    name = "gradient_shift"
    needs = frozenset({Need.PARAMETERS_BEFORE, Need.PARAMETERS_AFTER, Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings by layer; nothing when no layer is trained."""
        trained = step.probe.parameters
        before = {name: value for name, value in step.parameters_before.items() if name in trained}
        pairs = gradient_shift(step.probe, before, trained, self.layers)
        if not pairs:
            return {}
        return {
            f"{self.name}/{quantity}": Reading(
                stacked([getattr(pair, quantity) for pair in pairs.values()]), tuple(pairs)
            )
            for quantity in ("distance", "relative_distance", "cosine")
        }


def _gradient(probe: Probe, parameters: Parameters, names: Sequence[str]) -> dict[str, Tensor]:
    """The gradient in the named parameters alone."""
    own = {name: parameters[name].detach().requires_grad_() for name in names}
    fixed = {name: value.detach() for name, value in parameters.items() if name not in own}
    with torch.enable_grad():
        gradients = torch.autograd.grad(probe.loss(fixed | own), list(own.values()), materialize_grads=True)
    return dict(zip(own, gradients, strict=True))


def _flat(gradient: Mapping[str, Tensor], names: Sequence[str]) -> Float[Tensor, " entries"]:
    flat = torch.cat([gradient[name].flatten() for name in names])
    return flat if flat.dtype.itemsize > 2 else flat.float()
