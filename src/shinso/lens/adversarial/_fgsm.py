"""The fast gradient sign method: one step as far as the ball allows."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import Loss
from shinso.lens.adversarial._ascent import loss_and_gradient
from shinso.lens.adversarial._input_space import InputSpace
from shinso.lens.features._at_rest import Model, at_rest
from shinso.lens.features._input_gradient import check_real


@torch.no_grad()
def fgsm(
    model: Model, loss: Loss, inputs: Float[Tensor, "batch *shape"], targets: Any, radius: float, space: InputSpace
) -> Float[Tensor, "batch *shape"]:
    """x + ε sign(∇ₓ loss), cut off at the range of ``space``: every raw value is moved by ``radius`` = ε.

    The model is in eval mode, and nothing of it changes. ``radius`` is in raw units: one of 8/255 moves a standardised
    channel by 8/255 / std.

    For a linear model of two classes nothing in the L∞ ball does more harm; for deep ones it is a weak attack, and a
    network can be trained to hide its gradient from it (label leaking, gradient masking): believe robustness only from
    ``pgd``. Raises ValueError for a negative radius, inputs outside of ``space``, and inputs that are not real numbers.

    Source: Goodfellow, Shlens and Szegedy 2015, section 4, equation 2; lecture 001 ("adversarial example").
    """
    check_real(inputs)
    low, high = space.bounds(inputs)
    scale = space.scale(inputs)
    if radius < 0:
        raise ValueError(f"the radius of a perturbation is at least 0; got {radius}")
    with at_rest(model) as run:
        _, gradient = loss_and_gradient(run, loss, inputs, targets)
    # What lies outside of the range by rounding may stay where it is.
    low, high = torch.minimum(low, inputs), torch.maximum(high, inputs)
    return (inputs + radius * gradient.sign() / scale).clamp(low, high)
