"""How often a model is right when each example may be perturbed in the worst way found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from shinso.lens._probe import Loss
from shinso.lens.adversarial._balls import Ball
from shinso.lens.adversarial._input_space import InputSpace
from shinso.lens.adversarial._pgd import pgd
from shinso.lens.features._at_rest import Model, at_rest

Correct = Callable[[Any, Any], Bool[Tensor, " batch"]]
"""From outputs and targets to whether each example is right."""


@dataclass(frozen=True)
class RobustAccuracy:
    """How many of the examples were right, and stayed so under attack."""

    right: int
    robust: int
    examples: int

    @property
    def accuracy(self) -> float:
        """The fraction that is right without a perturbation."""
        return self.right / self.examples

    @property
    def robust_accuracy(self) -> float:
        """The fraction that is right, and for which no perturbation was found: at least the true one."""
        return self.robust / self.examples

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The exact (Clopper-Pearson) interval of the robust accuracy, for examples drawn independently."""
        from scipy.stats import binomtest

        low, high = binomtest(self.robust, self.examples).proportion_ci(confidence, method="exact")
        return float(low), float(high)


def likeliest_is_target(outputs: Any, targets: Any) -> Bool[Tensor, " batch"]:
    """Whether the largest of the outputs [batch, classes] is that of the target class."""
    if not isinstance(outputs, Tensor) or outputs.dim() != 2 or targets.is_floating_point() or targets.dim() != 1:
        raise ValueError(
            "expected outputs [batch, classes] and one class number for each example; for anything else give "
            "correct=, a function of outputs and targets to whether each example is right"
        )
    return outputs.argmax(1).eq(targets)


def robust_accuracy(
    model: Model,
    loss: Loss,
    batches: Iterable[tuple[Tensor, Any]],
    ball: Ball,
    space: InputSpace,
    steps: int = 20,
    restarts: int = 1,
    correct: Correct = likeliest_is_target,
    seed: int = 0,
) -> RobustAccuracy:
    """The accuracy under ``pgd`` within the ``ball``, over all examples of the batches of inputs and targets.

    An example counts when it is right as it is, and after the search from each of the ``restarts``. The arguments are
    those of ``pgd``, where it is said what makes the number too high; being found by one search it is an upper bound.
    Raises ValueError for no examples.

    Source: Madry et al. 2018, equation 2.1; Carlini et al. 2019, "On evaluating adversarial robustness".
    """
    right = robust = examples = 0
    for inputs, targets in batches:
        still = _right(model, inputs, targets, correct)
        examples, right = examples + len(still), right + int(still.sum())
        for restart in range(restarts):
            if not still.any():
                break
            perturbed = pgd(model, loss, inputs, targets, ball, space, steps, seed=seed + restart)
            still &= _right(model, perturbed, targets, correct)
        robust += int(still.sum())
    if not examples:
        raise ValueError("a robust accuracy needs at least one example; the batches hold none")
    return RobustAccuracy(right, robust, examples)


@torch.no_grad()
def _right(model: Model, inputs: Tensor, targets: Any, correct: Correct) -> Bool[Tensor, " batch"]:
    with at_rest(model) as run:
        return correct(run(inputs.clone()), targets)
