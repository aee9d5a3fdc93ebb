"""Gradient descent of a model and of its linearization, side by side."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens._probe import Parameters, Probe
from shinso.lens.tangent_kernel._tangent_kernel import outputs_of, tangent_kernel


class Descent(NamedTuple):
    """What full-batch gradient descent came to; the model itself was not moved."""

    losses: Float[Tensor, " step"]
    """Before the first step and after each."""
    parameters: dict[str, Shaped[Tensor, "..."]]
    """After the last step."""


def gradient_descent(probe: Probe, learning_rate: float, steps: int) -> Descent:
    """Plain gradient descent on the probe's batch, on copies of the parameters."""
    parameters, losses = probe.parameters, []
    for _ in range(steps):
        loss, gradient = probe.loss_and_gradient(parameters)
        losses.append(loss)
        parameters = {name: value - learning_rate * gradient[name] for name, value in parameters.items()}
    with torch.no_grad():
        losses.append(probe.loss(parameters))
    return Descent(torch.stack(losses), parameters)


def linearized_descent(
    probe: Probe,
    learning_rate: float,
    steps: int,
    kernel: Float[Tensor, "example output example output"] | None = None,
) -> Float[Tensor, " step"]:
    """The losses of gradient descent on the model's linearization f(θ₀) + J(θ - θ₀), for any loss.

    Its outputs move by -η Θ ∂L/∂f at each step, so that nothing but the kernel is needed. Compare with
    ``gradient_descent``: where the two part, the network has left the regime in which its kernel describes it.

    Source: Jacot et al. 2018, section 4; Lee et al. 2019, equation 5; lecture 001, Over-parametrization.
    """
    with torch.no_grad():
        outputs = outputs_of(probe)
    theta = (tangent_kernel(probe) if kernel is None else kernel).reshape(outputs.numel(), -1)
    losses = []
    for _ in range(steps):
        loss, slope = _loss_and_slope(probe, outputs)
        losses.append(loss)
        outputs = outputs - learning_rate * (theta.to(slope) @ slope.flatten()).reshape(outputs.shape)
    losses.append(_loss_and_slope(probe, outputs)[0])
    return torch.stack(losses)


def linearized_outputs(probe: Probe, parameters: Parameters) -> Float[Tensor, "example *output"]:
    """What the model's linearization at its own parameters gives for others: f(θ₀) + J(θ - θ₀).

    By forward mode where torch has it for all of the model. Raises KeyError for a name that is no trained parameter.
    """
    at = probe.parameters
    missing = [name for name in parameters if name not in at]
    if missing:
        raise KeyError(f"{missing[0]!r} is no trained parameter; there are {', '.join(at)}")
    away = {
        name: parameters[name] - value if name in parameters else torch.zeros_like(value) for name, value in at.items()
    }
    outputs, change = torch.func.jvp(lambda moved: outputs_of(probe, moved), (at,), (away,))[:2]
    total: Tensor = outputs + change
    return total.detach()


def _loss_and_slope(probe: Probe, outputs: Float[Tensor, "example *output"]) -> tuple[Tensor, Any]:
    with torch.enable_grad():
        at = outputs.detach().requires_grad_()
        loss = probe.loss_function(at, probe.targets)
        (slope,) = torch.autograd.grad(loss, at)
    return loss.detach(), slope
