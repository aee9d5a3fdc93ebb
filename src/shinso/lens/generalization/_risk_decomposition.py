"""Where the error comes from, measured where the truth is known: approximation, estimation and optimisation."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from shinso.lens._probe import Loss
from shinso.lens.generalization._estimate import Estimate, estimated_mean

Predictor = Callable[[Tensor], Tensor]
"""From inputs to outputs, as the loss takes them."""
Learner = Callable[[Tensor, Tensor], Predictor]
"""From training inputs and targets to a predictor of the class."""


@dataclass(frozen=True)
class KnownDistribution:
    """P(X, Y) that can be drawn from, with the predictor of least expected loss."""

    draw: Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
    """So many inputs and targets."""
    best: Predictor
    """h̃: for squared errors the conditional mean, for cross-entropy the logarithms of the true probabilities."""


@dataclass(frozen=True)
class RiskDecomposition:
    """The parts of the expected loss, each the mean over training sets with its interval; L expected, L̂ empirical."""

    approximation: Estimate
    """L(h*) − L(h̃): what the class cannot express (the second bracket of lecture 003 eq. 22)."""
    estimation: Estimate
    """L(ĥ) − L(h*): what comes from having seen a sample (the first bracket of eq. 22)."""
    optimization: Estimate
    """L(h) − L(ĥ), h what training found: negative where stopping short of the minimum regularises."""
    total: Estimate
    """L(h) − L(h̃), the sum of the three."""
    gap: Estimate
    """L(ĥ) − L̂(ĥ), the first term of eq. 23."""
    fit: Estimate
    """L̂(ĥ) − L̂(h*), the second: never positive if ĥ is the minimum."""
    deviation: Estimate
    """L̂(h*) − L(h*), the third: of mean zero, and of order 1/√N for one training set."""

    def parts(self) -> dict[str, Estimate]:
        """The three parts of the total by name."""
        return {
            "approximation": self.approximation,
            "estimation": self.estimation,
            "optimization": self.optimization,
        }


def decompose_risk(
    distribution: KnownDistribution,
    loss: Loss,
    minimize: Learner,
    examples: int,
    *,
    train: Learner | None = None,
    best_in_class: Predictor | None = None,
    training_sets: int = 20,
    test_examples: int = 20_000,
    seed: int = 0,
) -> RiskDecomposition:
    """The parts of the expected loss of learning from ``examples`` examples, over independent training sets.

    ``minimize`` finds ĥ, the minimum of the empirical loss in the class; ``train`` is the training in question (by
    default ``minimize``, so that the optimisation part is 0). ``best_in_class`` is h*; by default ``minimize`` on
    ``test_examples`` examples of their own, which leaves a bias of its own estimation error. Expected losses are means
    over ``test_examples`` fresh examples for each training set, the same for all predictors, so that the intervals
    hold both sources of chance.

    Do not trust the division between estimation and optimisation where ``minimize`` is itself a training that may not
    reach the minimum (any deep network): only their sum is then known. Raises ValueError for fewer than two training
    sets.

    Source: lecture 003 §2.1 eq. 20-23; Bottou and Bousquet 2008 (the optimisation part).
    """
    if training_sets < 2 or examples < 1 or test_examples < 1:
        raise ValueError(
            f"expected at least two training sets and one example; got training_sets={training_sets}, "
            f"examples={examples}, test_examples={test_examples}"
        )
    generator = torch.Generator().manual_seed(seed)
    star = best_in_class or minimize(*distribution.draw(test_examples, generator))
    rows = []
    for _ in range(training_sets):
        sample, fresh = distribution.draw(examples, generator), distribution.draw(test_examples, generator)
        minimum = minimize(*sample)
        predictors = (distribution.best, star, minimum, minimum if train is None else train(*sample))
        rows.append(
            _differences([_risk(h, loss, fresh) for h in predictors], [_risk(h, loss, sample) for h in predictors])
        )
    return RiskDecomposition(**{name: estimated_mean([row[name] for row in rows]) for name in rows[0]})


def _differences(expected: list[float], empirical: list[float]) -> dict[str, float]:
    bayes, star, minimum, found = expected
    _, star_seen, minimum_seen, _ = empirical
    return {
        "approximation": star - bayes,
        "estimation": minimum - star,
        "optimization": found - minimum,
        "total": found - bayes,
        "gap": minimum - minimum_seen,
        "fit": minimum_seen - star_seen,
        "deviation": star_seen - star,
    }


def _risk(predictor: Predictor, loss: Loss, examples: tuple[Tensor, Tensor]) -> float:
    inputs, targets = examples
    with torch.no_grad():
        return float(loss(predictor(inputs), targets))
