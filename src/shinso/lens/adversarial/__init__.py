"""Adversarial examples: the worst small perturbations that can be found, and how often a model survives them."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.adversarial._adversarial_examples import AdversarialExamples, adversarial_examples
from shinso.lens.adversarial._balls import L2, Ball, LInf
from shinso.lens.adversarial._draw_adversarial_examples import draw_adversarial_examples
from shinso.lens.adversarial._draw_robust_accuracy import draw_robust_accuracy
from shinso.lens.adversarial._example_losses import example_losses
from shinso.lens.adversarial._fgsm import fgsm
from shinso.lens.adversarial._input_space import InputSpace, unbounded
from shinso.lens.adversarial._pgd import pgd
from shinso.lens.adversarial._robust_accuracy import RobustAccuracy, likeliest_is_target, robust_accuracy
from shinso.lens.adversarial._robustness import Robustness

__all__ = [
    "L2",
    "LENSES",
    "AdversarialExamples",
    "Ball",
    "InputSpace",
    "LInf",
    "RobustAccuracy",
    "Robustness",
    "adversarial_examples",
    "draw_adversarial_examples",
    "draw_robust_accuracy",
    "example_losses",
    "fgsm",
    "likeliest_is_target",
    "pgd",
    "robust_accuracy",
    "unbounded",
]

LENSES: dict[str, Entry] = {
    "robustness": Entry(Robustness, Cost.OFFLINE, "Madry et al. 2018, equation 2.1; lecture 001 (adversarial example)"),
}
