"""Robustness as a lens: accuracy under attack at several radii."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.adversarial._balls import Ball, LInf
from shinso.lens.adversarial._input_space import InputSpace, unbounded
from shinso.lens.adversarial._robust_accuracy import Correct, likeliest_is_target, robust_accuracy
from shinso.lens.features._at_rest import at_rest
from shinso.lens.features._one_input import one_input


@dataclass(frozen=True)
class Robustness:
    """Reads how often the model is right on the batch when each example is perturbed in the worst way found by PGD.

    By radius, ``robust_accuracy`` and the ends of its exact 95 % interval, ``robust_accuracy/low`` and ``/high``, all
    between 0 and 1; radius 0 is the accuracy itself in eval mode. The interval is that of examples drawn at random: on
    batches that the model is trained on it says nothing about new data; ``inspect`` the model on held-out data.

    Give the ``space`` of your data: radii are in its raw units. Without it the attack may leave the range of the data,
    radii are in the units that the model is given, and accuracies are lower than for inputs that can exist. What makes
    them too high is said at ``pgd``: robustness under this search is an upper bound.

    Raises ValueError for a batch without exactly one tensor of real numbers.

    Source: Madry et al. 2018, equation 2.1 and figure 6; lecture 001 ("adversarial example").
    """

    radii: tuple[float, ...] = (0.01, 0.03, 0.1)
    space: InputSpace = field(default_factory=unbounded)
    ball: Callable[[float], Ball] = LInf
    """From a radius to a ball: ``LInf`` or ``L2``."""
    steps: int = 10
    restarts: int = 1
    correct: Correct = likeliest_is_target
    seed: int = 0

    name = "robustness"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """Accuracy and interval by radius."""
        radii = (0.0, *(radius for radius in self.radii if radius))
        probe = step.probe
        inputs, with_input = one_input(probe.inputs)
        with at_rest(probe.model) as run:
            found = [
                robust_accuracy(
                    lambda tensor: run(with_input(tensor)), probe.loss_function, [(inputs, probe.targets)],
                    self.ball(radius), self.space, self.steps, self.restarts, self.correct, self.seed,
                )
                for radius in radii
            ]  # fmt: skip
        values = torch.tensor([(one.robust_accuracy, *one.interval()) for one in found])
        labels = tuple(f"{radius:g}" for radius in radii)
        names = ("robust_accuracy", "robust_accuracy/low", "robust_accuracy/high")
        return {name: Reading(column, labels) for name, column in zip(names, values.unbind(1), strict=True)}
