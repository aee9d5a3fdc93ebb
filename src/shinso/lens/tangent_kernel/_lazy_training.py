"""How far training went from what the kernel at its start predicts."""

from typing import NamedTuple

import torch

from shinso.lens._probe import Parameters, Probe
from shinso.lens.tangent_kernel._descent import linearized_outputs
from shinso.lens.tangent_kernel._tangent_kernel import outputs_of, tangent_kernel


class LazyTraining(NamedTuple):
    """Three distances; all go to zero where training is lazy, as in a network of infinite width."""

    parameter_distance: float
    """‖θ - θ₀‖ / ‖θ₀‖: how far the parameters moved."""
    kernel_distance: float
    """‖Θ - Θ₀‖ / ‖Θ₀‖: how much the kernel changed."""
    linearization_error: float
    """‖f(θ) - f(θ₀) - J(θ - θ₀)‖ / ‖f(θ) - f(θ₀)‖: how much of the change of the outputs is not linear."""


def lazy_training(probe: Probe, parameters: Parameters, at_once: int = 16) -> LazyTraining:
    """The distances from the probe's parameters, taken as the start, to these, taken as the end.

    The kernel's prediction holds where all are small (about 0.1 and less). A small parameter distance alone says
    little: in a wide network a small move can change the kernel a lot. NaN where the outputs or parameters at the start
    do not allow a relative distance. On a few examples these are distances on those examples.

    Source: Chizat, Oyallon and Bach 2019, section 2; Jacot et al. 2018, theorem 2; lecture 001, Over-parametrization.
    """
    start = probe.parameters
    end = {**start, **parameters}
    with torch.no_grad():
        before, after = outputs_of(probe), outputs_of(probe, end)
    predicted = linearized_outputs(probe, parameters)
    first, last = tangent_kernel(probe, at_once=at_once), tangent_kernel(probe, end, at_once)
    moved = torch.stack([(end[name] - value).norm() for name, value in start.items()]).norm()
    size = torch.stack([value.norm() for value in start.values()]).norm()
    return LazyTraining(
        (moved / size).item(),
        ((last - first).norm() / first.norm()).item(),
        ((after - predicted).norm() / (after - before).norm()).item(),
    )
