"""How smooth the loss is where training goes: what happens to it and to its gradient along the gradient's direction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._norms import norms
from shinso.lens._probe import Parameters, Probe
from shinso.lens._step import Step

_STEP_SIZES = (0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class AlongTheGradient:
    """The loss and its gradient at points θ − η ∇L(θ), one for each step size η."""

    step_sizes: Float[Tensor, " points"]
    distances: Float[Tensor, " points"]
    """η ‖∇L(θ)‖₂: how far each point is from θ."""
    loss: Float[Tensor, ""]
    """L(θ), where the line starts."""
    losses: Float[Tensor, " points"]
    gradient_norm: Float[Tensor, ""]
    """‖∇L(θ)‖₂."""
    gradient_changes: Float[Tensor, " points"]
    """‖∇L(θ − η ∇L(θ)) − ∇L(θ)‖₂: how wrong the gradient at θ is at each point."""

    @property
    def loss_range(self) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The lowest and the highest loss on the line: narrow where the loss is smooth."""
        return self.losses.min(), self.losses.max()

    @property
    def gradient_change_range(self) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The least and the greatest change of the gradient: small where the gradient can be predicted."""
        return self.gradient_changes.min(), self.gradient_changes.max()

    @property
    def effective_beta(self) -> Float[Tensor, ""]:
        """The greatest change of the gradient by distance moved: a lower bound of the loss's Lipschitz smoothness β.

        NaN where the gradient is zero.
        """
        return (self.gradient_changes / self.distances).max()


def along_the_gradient(
    probe: Probe, step_sizes: Sequence[float] = _STEP_SIZES, parameters: Parameters | None = None
) -> AlongTheGradient:
    """The loss and its gradient on the probe's batch along the line of steepest descent from ``parameters``.

    ``parameters`` are the model's own where they are not given. One gradient is taken for each step size, and one more.
    Raises ValueError unless there is a step size and all are positive, or when no parameter is trained.

    >>> from shinso.lens import Probe
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> probe = Probe(model, lambda outputs, targets: 3 * outputs.square().mean(), torch.ones(1, 1), None)
    >>> round(along_the_gradient(probe, [0.1, 0.2]).effective_beta.item(), 4)
    6.0

    Source: Santurkar et al. 2018, section 3.1 and figure 4 (lecture 000).
    """
    _check_step_sizes(step_sizes)
    start = {**probe.parameters, **(parameters or {})}
    if not start:
        raise ValueError(f"no parameter of {type(probe.model).__name__} is trained, so there is no gradient to follow")
    loss, gradient = probe.loss_and_gradient(start)
    points = [_at(probe, start, gradient, step_size) for step_size in step_sizes]
    norm = _norm(gradient)
    sizes = torch.tensor(step_sizes, dtype=norm.dtype, device=norm.device)
    losses, changes = (torch.stack(values) for values in zip(*points, strict=True))
    return AlongTheGradient(sizes, sizes * norm, loss, losses, norm, changes)


@dataclass(frozen=True)
class Smoothness:
    """Reads how smooth the loss is along the gradient at which this step of training started, on the step's batch.

    The model is looked at where plain gradient descent with each of the ``step_sizes`` would take it:

    - ``smoothness/loss`` at the start, ``/loss_low`` and ``/loss_high`` the range of the losses there: a wide range, or
      a high end above the start, means that a step of that size is a gamble;
    - ``smoothness/gradient_change_low`` and ``/gradient_change_high``: the range of ‖∇L(there) − ∇L(start)‖₂, the
      gradient's predictiveness (small is predictable), to be compared with ``/gradient_norm``;
    - ``smoothness/effective_beta``: the greatest of these changes divided by the distance moved. Gradient descent on a
      loss of smoothness β descends for learning rates below 2/β.

    Choose ``step_sizes`` around your learning rate, such as half of it to four times it. Do not trust it as β itself:
    it knows one direction and a few points, so that it is only a lower bound. Under Adam or momentum the training does
    not go along the gradient. Networks with normalisation do not change when their weights are scaled, while gradients
    then shrink by the same factor and effective β by its square: compare two networks from the same initial scale.

    Source: Santurkar, Tsipras, Ilyas and Madry 2018, section 3.1 and figure 4 (lecture 000).
    """

    step_sizes: tuple[float, ...] = _STEP_SIZES
    """Learning rates to try: a point is at θ − η ∇L(θ)."""

    name = "smoothness"
    needs = frozenset({Need.PARAMETERS_BEFORE, Need.PROBE})

    def __post_init__(self) -> None:
        _check_step_sizes(self.step_sizes)

    def read(self, step: Step) -> Mapping[str, Reading]:
        """Seven numbers; nothing when no parameter is trained."""
        trained = step.probe.parameters
        if not trained:
            return {}
        before = {name: value for name, value in step.parameters_before.items() if name in trained}
        line = along_the_gradient(step.probe, self.step_sizes, before)
        (loss_low, loss_high), (change_low, change_high) = line.loss_range, line.gradient_change_range
        values = {
            "loss": line.loss,
            "loss_low": loss_low,
            "loss_high": loss_high,
            "gradient_norm": line.gradient_norm,
            "gradient_change_low": change_low,
            "gradient_change_high": change_high,
            "effective_beta": line.effective_beta,
        }
        return {f"{self.name}/{quantity}": Reading(value) for quantity, value in values.items()}


def _at(probe: Probe, start: Parameters, gradient: Parameters, step_size: float) -> tuple[Tensor, Tensor]:
    """The loss and the change of the gradient after one step of descent."""
    point = {name: value - step_size * gradient[name] for name, value in start.items()}
    loss, there = probe.loss_and_gradient(point)
    return loss, _norm({name: there[name] - value for name, value in gradient.items()})


def _norm(tensors: Parameters) -> Float[Tensor, ""]:
    return norms(list(tensors.values())).square().sum().sqrt()


def _check_step_sizes(step_sizes: Sequence[float]) -> None:
    if not step_sizes or not all(size > 0 for size in step_sizes):
        raise ValueError(f"step sizes are learning rates to try, at least one and all positive; got {step_sizes}")
