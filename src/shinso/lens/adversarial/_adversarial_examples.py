"""Examples beside what an attack made of them, and what the model says of both."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens.adversarial._input_space import InputSpace
from shinso.lens.features._at_rest import Model, at_rest


@dataclass(frozen=True)
class AdversarialExamples:
    """Images in raw units, and the model's answers: the likeliest class, and its softmax probability."""

    originals: Float[Tensor, "batch *shape"]
    perturbed: Float[Tensor, "batch *shape"]
    classes_before: Int[Tensor, " batch"]
    confidences_before: Float[Tensor, " batch"]
    classes_after: Int[Tensor, " batch"]
    confidences_after: Float[Tensor, " batch"]

    @property
    def perturbations(self) -> Float[Tensor, "batch *shape"]:
        """What was added, in raw units."""
        return self.perturbed - self.originals


@torch.no_grad()
def adversarial_examples(
    model: Model,
    originals: Float[Tensor, "batch *shape"],
    perturbed: Float[Tensor, "batch *shape"],
    space: InputSpace,
) -> AdversarialExamples:
    """The examples before and after an attack with the model's answers, of outputs [batch, classes], in eval mode.

    The probabilities are those of the softmax: after an attack they are often higher than before, and say nothing about
    being right.
    """
    with at_rest(model) as run:
        before, after = (run(inputs.clone()).softmax(1).max(1) for inputs in (originals, perturbed))
    return AdversarialExamples(
        space.raw(originals), space.raw(perturbed), before.indices, before.values, after.indices, after.values
    )
