"""Losses of a batch and their gradients in its inputs."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import Loss
from shinso.lens.adversarial._example_losses import example_losses


def loss_and_gradient(
    run: Callable[[Any], Any], loss: Loss, inputs: Float[Tensor, "batch *shape"], targets: Any
) -> tuple[Float[Tensor, " batch"], Float[Tensor, "batch *shape"]]:
    """The loss of each example, and its gradient in the example's own inputs."""
    with torch.enable_grad():
        leaf = inputs.detach().clone().requires_grad_()
        # A copy goes in, since the model may overwrite its input in place.
        losses = example_losses(loss, run(leaf.clone()), targets)
        (gradient,) = torch.autograd.grad(losses.sum(), leaf, materialize_grads=True)
    return losses.detach(), gradient
