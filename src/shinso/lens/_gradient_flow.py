"""Gradient flow: how large the gradient is at each parameter tensor."""

from collections.abc import Mapping

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._norms import norms
from shinso.lens._step import Step


class GradientFlow:
    """Reads ``gradient_norm``: the L2 norm of the gradient of each parameter tensor, in the order of the model.

    Norms that shrink or grow by a constant factor from layer to layer are the vanishing and exploding gradient of
    lecture 004 §6.5 and lecture 001. NaN where a parameter has no gradient. Norms are of the gradient as the optimizer
    finds it: after clipping, and summed over accumulated batches. Do not compare tensors of very different sizes by
    them: the norm of n equal entries grows with √n.
    """

    name = "gradient_flow"
    needs = frozenset({Need.GRADIENTS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The norms by parameter name; nothing when no parameter has a gradient."""
        gradients = {name: gradient for name, gradient in step.gradients.items() if gradient is not None}
        if not gradients:
            return {}
        known = norms(list(gradients.values()))
        by_name = dict(zip(gradients, known, strict=True))
        missing = known.new_full((), float("nan"))
        values = torch.stack([by_name.get(name, missing) for name in step.gradients])
        return {"gradient_norm": Reading(values, tuple(step.gradients))}
