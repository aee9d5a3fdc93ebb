"""Checks a gradient by backward against central differences (lecture 003 section 1.2, footnote 5)."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from shinso.graph.checking._batch_loss import batch_parts, default_loss
from shinso.graph.checking._gradient_verdict import GradientCheck, TensorCheck, Verdict
from shinso.graph.checking._line_check import Precision, has_kink
from shinso.graph.checking._own_precision import with_own_precision
from shinso.graph.checking._repeatable_loss import Loss, RepeatableLoss, other_random_states_kept, repeatable_loss
from shinso.graph.checking._worst_entry import (
    along_gradient,
    check_direction,
    check_entry,
    entry_direction,
    largest_entry,
    step_size,
    worst_entry,
)

_SEVERITY = (Verdict.WRONG, Verdict.LOW_PRECISION, Verdict.KINK, Verdict.CORRECT)


def check_gradient(model: Callable[..., Any], batch: Any, *, loss: Loss | None = None) -> GradientCheck:
    """The verdict on the gradient of a loss in every parameter and floating-point input, with the worst entry.

    ``model`` is a module or any callable, such as ``MyFunction.apply``. ``batch`` is ``(inputs, targets)`` as a data
    loader gives it, or ``(inputs,)``, or a tensor; ``inputs`` is a tensor, a tuple of positional arguments or a
    mapping of keyword arguments. ``loss`` is called with the output, and with the targets if there are any; by
    default it is cross entropy for targets of integers, the mean squared error for real ones, and without targets a
    fixed random combination of all outputs.

    Each tensor is moved as a whole in a random direction, which feels any wrong entry, and the difference quotient,
    extrapolated to step 0, is compared with the gradient; only where they disagree beyond the estimated error are
    entries looked at. This is done in float64 on a copy with torch's random numbers repeated, so that dropout keeps
    its mask and batch normalisation its statistics; parameters, buffers, gradients, modes and random states of the
    model stay as they are. (What a callable that is no module keeps of its own is not copied.) Where the copy does
    not run in float64 it is checked in its own type.

    Raises ValueError if nothing is there to be differentiated, if the loss is not one finite number, or if the model
    cannot be copied. Source: lecture 003 section 1.2; Richardson (1911) for the extrapolation.
    """
    inputs, targets = batch_parts(batch)
    used_loss = loss or default_loss(targets)
    with other_random_states_kept():
        own = repeatable_loss(model, inputs, targets, used_loss, None)
        if not own.leaves:
            raise ValueError(
                "there is nothing to differentiate: no parameter requires a gradient and no input is floating-point"
            )
        wide, first, note = _in_float64(model, inputs, targets, used_loss, own)
        if not torch.isfinite(first):
            raise ValueError(f"the loss is {float(first)} at this batch; a gradient can be checked where it is finite")
        precision = Precision(torch.finfo(first.dtype).eps)
        if _is_random(wide, 3):
            return GradientCheck(Verdict.RANDOM, (), first.dtype, note)
        rows = _rows(wide, precision)
        if any(row.verdict is Verdict.WRONG for row in rows) and _is_random(wide, 20):
            return GradientCheck(Verdict.RANDOM, (), first.dtype, note)
        if wide is not own:
            rows, note = with_own_precision(rows, wide, own, note)
    verdict = next(verdict for verdict in _SEVERITY if any(row.verdict is verdict for row in rows))
    return GradientCheck(verdict, tuple(rows), first.dtype, note)


def _in_float64(
    model: Callable[..., Any], inputs: Any, targets: Any, loss: Loss, own: RepeatableLoss
) -> tuple[RepeatableLoss, Tensor, str]:
    """The loss in float64 and its value; in the model's own type where the model does not run in float64."""
    try:
        wide = repeatable_loss(model, inputs, targets, loss, torch.float64)
        first = wide.value()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        value = own.value()  # An error of the user's own is raised here.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return own, value.detach(), f"the model does not run in float64 ({reason})"
    return wide, first.detach(), ""


def _is_random(loss: RepeatableLoss, times: int) -> bool:
    values = torch.stack([loss.value().detach() for _ in range(times)]).double()
    # Kernels that add in any order differ by a few roundings.
    noise = 100 * torch.finfo(loss.value().dtype).eps
    return float(values.max() - values.min()) > noise * float(values.abs().max())


def _rows(loss: RepeatableLoss, precision: Precision) -> list[TensorCheck]:
    gradients = loss.gradients()
    directions = _directions(loss)
    # What is far below the largest derivative is drowned in the rounding of the loss.
    slopes = [abs(along_gradient(gradients[name], direction)) for name, direction in directions.items()]
    floor = 1e-3 * max((slope for slope in slopes if math.isfinite(slope)), default=0.0)
    return [_row(loss, name, gradients[name], directions, floor, precision) for name in loss.leaves]


def _row(
    loss: RepeatableLoss, name: str, gradient: Tensor, directions: dict[str, Tensor], floor: float, precision: Precision
) -> TensorCheck:
    direction, shape = directions[name], tuple(gradient.shape)
    analytic, check = check_direction(loss, name, gradient, direction, floor, precision)
    numeric = check.numeric.derivative
    if check.agrees or check.is_staircase:
        verdict = Verdict.LOW_PRECISION if check.is_staircase else Verdict.CORRECT
        worst = check_entry(loss, name, gradient, largest_entry(gradient), precision)
        return TensorCheck(name, shape, verdict, analytic, numeric, worst)
    worst = worst_entry(loss, name, gradient, direction, precision)
    scale = step_size(loss.leaves[name])
    index = int(torch.arange(gradient.numel()).reshape(shape)[worst.index])
    line = loss.along(name, entry_direction(gradient, index, scale))
    is_kink = has_kink(line, worst.analytic * scale, precision) and _is_right_near_by(loss, name, directions, precision)
    return TensorCheck(name, shape, Verdict.KINK if is_kink else Verdict.WRONG, analytic, numeric, worst)


def _is_right_near_by(loss: RepeatableLoss, name: str, directions: dict[str, Tensor], precision: Precision) -> bool:
    """Whether the gradient agrees where everything has moved a little, so that it meets a kink by no coincidence."""
    with loss.moved({other: 1e-3 * direction for other, direction in directions.items()}):
        gradient = loss.gradients()[name]
        _, check = check_direction(loss, name, gradient, directions[name], 0.0, precision)
    return check.agrees


def _directions(loss: RepeatableLoss) -> dict[str, Tensor]:
    """For each leaf a random move in which each entry takes part, by half to one and a half of the tensor's size."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name, leaf in loss.leaves.items():
        size = torch.rand(leaf.shape, generator=generator, dtype=torch.float64) + 0.5
        sign = torch.randint(2, leaf.shape, generator=generator) * 2 - 1
        found[name] = (size * sign * step_size(leaf)).to(leaf)
    return found
