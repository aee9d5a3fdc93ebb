"""The delta rule of Widrow and Hoff (1960, "Adaptive switching circuits", IRE WESCON convention record 4, p. 96;
lecture 000, "Backpropagation"), and the least-squares solution that it approaches.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Num
from torch import Tensor, nn

from shinso.models._perceptron import as_linear, with_bias


@dataclass(frozen=True, eq=False)
class DeltaRuleFit:
    """What the delta rule came to."""

    layer: nn.Linear
    errors: tuple[float, ...]
    """Mean squared error over all examples: before learning, with weights of 0, and after each epoch."""
    least_error: float
    """That of the least-squares solution, below which no linear map comes."""


def widrow_hoff(
    x: Num[Tensor | np.ndarray, "example *feature"],
    targets: Num[Tensor | np.ndarray, "target *output"],
    *,
    learning_rate: float,
    epochs: int = 100,
    generator: torch.Generator | None = None,
) -> DeltaRuleFit:
    """The layer that the delta rule w ← w + η·(t − w·x)·x, applied to each example, comes to from weights of 0.

    t are the targets themselves, for classes one column each of 0 and 1 or ±1; the bias is the weight of a further
    feature that is always 1. Examples come in their order or, with a generator, in a new random one each epoch. With a
    constant rate the weights stay near the least-squares solution, the nearer the smaller η. Raises ValueError as soon
    as they diverge: in the mean they do above ``largest_learning_rate``.
    """
    inputs = with_bias(x)
    wanted = _targets(targets, inputs)
    if not learning_rate > 0 or epochs < 1:
        raise ValueError(f"the delta rule needs learning_rate > 0 and epochs >= 1; got {learning_rate} and {epochs}")
    weights = inputs.new_zeros(wanted.shape[1], inputs.shape[1])
    errors = [_error(weights, inputs, wanted)]
    for epoch in range(1, epochs + 1):
        order = range(len(inputs)) if generator is None else torch.randperm(len(inputs), generator=generator).tolist()
        for i in order:
            weights += learning_rate * torch.outer(wanted[i] - weights @ inputs[i], inputs[i])
        errors.append(_error(weights, inputs, wanted))
        if not errors[-1] <= _DIVERGED * errors[0]:
            raise ValueError(_diverged(learning_rate, epoch, errors, inputs))
    best = _least_squares(inputs, wanted)
    return DeltaRuleFit(as_linear(weights), tuple(errors), _error(best, inputs, wanted))


def least_squares(
    x: Num[Tensor | np.ndarray, "example *feature"], targets: Num[Tensor | np.ndarray, "target *output"]
) -> nn.Linear:
    """The layer of least mean squared error, of several the one of least norm (the normal equations' solution)."""
    inputs = with_bias(x)
    return as_linear(_least_squares(inputs, _targets(targets, inputs)))


def largest_learning_rate(x: Num[Tensor | np.ndarray, "example *feature"]) -> float:
    """2 / λ_max, above which the delta rule diverges in the mean (Widrow and Stearns, 1985, chapter 4).

    λ_max is the greatest eigenvalue of the mean of x·xᵀ over the examples, each with a further feature that is always
    1. Examples taken one at a time can diverge below it, but not below 2 / max ‖x‖².
    """
    inputs = with_bias(x)
    return float(2 * len(inputs) / torch.linalg.matrix_norm(inputs, ord=2) ** 2)


# Noise alone does not raise the error so far above that of weights of 0.
_DIVERGED = 1e6


def _error(weights: Tensor, inputs: Tensor, targets: Tensor) -> float:
    return float((targets - inputs @ weights.T).square().mean())


def _least_squares(inputs: Tensor, targets: Tensor) -> Tensor:
    # The pseudo-inverse does for dependent features too, on any device.
    inverse: Tensor = torch.linalg.pinv(inputs)
    return (inverse @ targets).T


def _targets(targets: Tensor | np.ndarray, inputs: Tensor) -> Tensor:
    wanted = torch.as_tensor(targets).to(inputs)
    wanted = wanted[:, None] if wanted.ndim == 1 else wanted
    if wanted.ndim != 2 or len(wanted) != len(inputs) or not wanted.isfinite().all():
        raise ValueError(f"each of the {len(inputs)} examples needs finite targets; got {tuple(wanted.shape)}")
    return wanted


def _diverged(learning_rate: float, epoch: int, errors: list[float], inputs: Tensor) -> str:
    limit, safe = largest_learning_rate(inputs[:, :-1]), float(2 / inputs.square().sum(1).max())
    return (
        f"the delta rule diverged in epoch {epoch} with learning rate {learning_rate:g}: the mean squared error went "
        f"from {errors[0]:.3g} to {errors[-1]:.3g}. It diverges in the mean above 2/λ_max = {limit:.3g}, and not at "
        f"all below 2/max‖x‖² = {safe:.3g}: take a smaller rate, or scale the features down"
    )
