"""Rosenblatt's perceptron (1958, "The perceptron: a probabilistic model for information storage and organization in the
brain", Psychological Review 65, p. 386; lecture 001, the history).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Num
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class PerceptronFit:
    """What the perceptron rule came to."""

    layer: nn.Linear
    """One output for two classes, positive for class 1; else one for each class against the rest."""
    mistakes: tuple[int, ...]
    """In each epoch, over all outputs."""
    cycle: int | None
    """After how many epochs the weights came back exactly: from then on they go round for ever."""

    @property
    def converged(self) -> bool:
        """Whether the last epoch was without a mistake, so that the weights stay as they are."""
        return self.mistakes[-1] == 0


def perceptron(
    x: Num[Tensor | np.ndarray, "example *feature"],
    labels: Int[Tensor | np.ndarray, " label"],
    *,
    epochs: int = 1000,
    generator: torch.Generator | None = None,
) -> PerceptronFit:
    """The layer that the perceptron rule w ← w + t·x, applied to each mistake, ends with, from weights of 0.

    t is 1 for the class of an output and −1 for the others, and the bias is the weight of a further feature that is
    always 1. Examples come in their order or, with a generator, in a new random one each epoch. Learning ends after an
    epoch without a mistake, which comes if the classes can be separated linearly (Novikoff, 1962, and
    ``mistake_bound``); after ``epochs``; or, in a fixed order, once the weights repeat, which proves that it never
    would. Labels are 0, 1, …; raises ValueError for others.
    """
    inputs, signs = with_bias(x), _signs(torch.as_tensor(labels), len(x))
    if epochs < 1:
        raise ValueError(f"a perceptron learns for at least 1 epoch; got {epochs}")
    weights = inputs.new_zeros(signs.shape[1], inputs.shape[1])
    signs = signs.to(weights)
    before, before_epoch, cycle = weights.clone(), 0, None
    mistakes: list[int] = []
    while len(mistakes) < epochs and cycle is None and (not mistakes or mistakes[-1]):
        mistakes.append(_present_all(weights, inputs, signs, generator))
        if generator is None and mistakes[-1] and torch.equal(weights, before):
            cycle = len(mistakes) - before_epoch
        # Brent's way to find a cycle: compare with one earlier state, moved up at each power of 2.
        if len(mistakes) >= 2 * before_epoch:
            before, before_epoch = weights.clone(), len(mistakes)
    return PerceptronFit(as_linear(weights), tuple(mistakes), cycle)


def mistake_bound(
    x: Num[Tensor | np.ndarray, "example *feature"], labels: Int[Tensor | np.ndarray, " label"], separator: nn.Linear
) -> float:
    """(R/γ)², the most mistakes that the perceptron can make in all epochs together, whatever the order.

    R is the greatest norm of an example, with its feature that is always 1, and γ its least distance from the plane of
    any ``separator`` of the two classes; the widest one gives the sharpest bound (Novikoff, 1962, "On convergence
    proofs for perceptrons"). Raises ValueError if the separator does not separate them.
    """
    inputs, signs = with_bias(x), _signs(torch.as_tensor(labels), len(x))
    if separator.out_features != 1 or signs.shape[1] != 1:
        raise ValueError(f"the bound holds for two classes and one output; got {separator.out_features} outputs")
    bias = torch.zeros(1) if separator.bias is None else separator.bias.detach()
    normal = torch.cat([separator.weight.detach()[0], bias]).to(inputs)
    margins = signs[:, 0] * (inputs @ normal) / normal.norm()
    if not margins.min() > 0:
        raise ValueError(
            f"{int((~(margins > 0)).sum())} of {len(inputs)} examples are on the wrong side of the separator or on it: "
            f"the bound needs one that makes no mistake"
        )
    return float((inputs.norm(dim=1).max() / margins.min()) ** 2)


def with_bias(x: Num[Tensor | np.ndarray, "example *feature"]) -> Float[Tensor, "example feature_and_1"]:
    """The examples with a further feature that is always 1, as floating-point numbers.

    Raises ValueError unless there are examples, each of them a row of finite features.
    """
    inputs = torch.as_tensor(x)
    if not inputs.is_floating_point():
        inputs = inputs.to(torch.get_default_dtype())
    if inputs.ndim != 2 or not len(inputs):
        raise ValueError(
            f"examples must be the rows of a matrix; got shape {tuple(inputs.shape)}: flatten images first"
        )
    if not inputs.isfinite().all():
        raise ValueError(f"examples must be finite; {int((~inputs.isfinite()).any(1).sum())} are not")
    return torch.cat([inputs, inputs.new_ones(len(inputs), 1)], dim=1)


def as_linear(weights: Float[Tensor, "output feature_and_1"]) -> nn.Linear:
    """The layer with these weights, the last column its bias."""
    layer = nn.Linear(weights.shape[1] - 1, len(weights), device=weights.device, dtype=weights.dtype)
    with torch.no_grad():
        layer.weight.copy_(weights[:, :-1])
        layer.bias.copy_(weights[:, -1])
    return layer


def _present_all(weights: Tensor, inputs: Tensor, signs: Tensor, generator: torch.Generator | None) -> int:
    """How many mistakes were made in an epoch, each of them answered by a change of the weights."""
    order = range(len(inputs)) if generator is None else torch.randperm(len(inputs), generator=generator).tolist()
    mistakes = 0
    for i in order:
        wrong = signs[i] * (weights @ inputs[i]) <= 0
        weights += torch.outer(wrong * signs[i], inputs[i])
        mistakes += int(wrong.sum())
    return mistakes


def _signs(labels: Tensor, examples: int) -> Tensor:
    if len(labels) != examples:
        raise ValueError(f"each example needs one label; got {examples} examples and {len(labels)} labels")
    if labels.min() < 0 or labels.max() < 1:
        raise ValueError(
            f"labels must be 0, 1, … with two classes at least; got values from {int(labels.min())} to "
            f"{int(labels.max())}"
        )
    classes = int(labels.max()) + 1
    hits = labels[:, None] == torch.arange(classes, device=labels.device)
    return 2 * (hits[:, 1:] if classes == 2 else hits).long() - 1
