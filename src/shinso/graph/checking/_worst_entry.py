"""Which entry of a tensor has the gradient that is furthest off."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from shinso.graph.checking._gradient_verdict import EntryCheck
from shinso.graph.checking._line_check import LineCheck, Precision, central_estimate, check_line
from shinso.graph.checking._repeatable_loss import RepeatableLoss

_ALL = 64
"""Tensors of up to so many entries are looked at whole."""


def step_size(leaf: Tensor) -> float:
    """The size of a tensor's entries, in which it is moved; 1 if they are all zero."""
    rms = float(leaf.detach().double().square().mean().sqrt())
    return rms if rms > 0 and math.isfinite(rms) else 1.0


def largest_entry(gradient: Tensor) -> int:
    """The position of the largest gradient, or of one that is no number, in the flat tensor."""
    return int(gradient.abs().nan_to_num(math.inf, math.inf).argmax())


def worst_entry(
    loss: RepeatableLoss, name: str, gradient: Tensor, direction: Tensor, precision: Precision
) -> EntryCheck:
    """The entry of a wrong gradient that is furthest from central differences.

    Small tensors are looked at entry by entry. Of larger ones those with the largest gradients, some others, and the
    one that is found by halving the tensor again and again, each time following the half that is further off.
    """
    flat = gradient.reshape(-1)
    if flat.numel() <= _ALL:
        candidates: Iterable[int] = range(flat.numel())
    else:
        largest = flat.abs().nan_to_num(math.inf, math.inf).topk(4).indices.tolist()
        spread = torch.linspace(0, flat.numel() - 1, 4).long().tolist()
        found = _by_halving(loss, name, gradient, direction, precision)
        candidates = dict.fromkeys([found, *largest, *spread])
    checks = [check_entry(loss, name, gradient, index, precision) for index in candidates]
    return max(checks, key=lambda check: _distance(check.analytic, check.numeric))


def check_entry(loss: RepeatableLoss, name: str, gradient: Tensor, index: int, precision: Precision) -> EntryCheck:
    """One entry, by its position in the flat tensor."""
    analytic = float(gradient.reshape(-1)[index])
    scale = step_size(loss.leaves[name])
    largest = float(gradient.abs().nan_to_num(0.0, 0.0).max())
    line = loss.along(name, entry_direction(gradient, index, scale))
    numeric = check_line(line, analytic * scale, 1e-3 * largest * scale, precision).numeric.derivative / scale
    return entry_of(name, gradient, index, analytic, numeric)


def entry_of(name: str, gradient: Tensor, index: int, analytic: float, numeric: float) -> EntryCheck:
    """The two gradients of an entry with their relative error."""
    largest = float(gradient.abs().nan_to_num(0.0, 0.0).max())
    distance = _distance(analytic, numeric)
    scale = max(abs(analytic), abs(numeric), 1e-3 * largest)
    relative = distance / scale if distance and math.isfinite(distance) else distance
    place = tuple(int(axis) for axis in torch.unravel_index(torch.tensor(index), gradient.shape))
    return EntryCheck(name, place, analytic, numeric, relative)


def entry_direction(like: Tensor, index: int, scale: float) -> Tensor:
    """A move of one entry alone."""
    direction = torch.zeros(like.numel(), dtype=like.dtype, device=like.device)
    direction[index] = scale
    return direction.reshape(like.shape)


def check_direction(
    loss: RepeatableLoss, name: str, gradient: Tensor, direction: Tensor, floor: float, precision: Precision
) -> tuple[float, LineCheck]:
    """The derivative in a direction by backward, and by differences."""
    analytic = along_gradient(gradient, direction)
    return analytic, check_line(loss.along(name, direction), analytic, floor, precision)


def along_gradient(gradient: Tensor, direction: Tensor) -> float:
    """The derivative in a direction, from the gradient."""
    return float((gradient.double() * direction.double()).sum())


def _by_halving(loss: RepeatableLoss, name: str, gradient: Tensor, direction: Tensor, precision: Precision) -> int:
    low, high = 0, gradient.numel()
    while high - low > 1:
        middle = (low + high) // 2
        halves = [(low, middle), (middle, high)]
        off = [_off(loss, name, gradient, direction, half, precision) for half in halves]
        low, high = halves[0] if off[0] >= off[1] else halves[1]
    return low


def _off(
    loss: RepeatableLoss, name: str, gradient: Tensor, direction: Tensor, part: tuple[int, int], precision: Precision
) -> float:
    """How far off the derivative is when only a part of the entries moves."""
    flat = direction.reshape(-1)
    partial = torch.zeros_like(flat)
    partial[slice(*part)] = flat[slice(*part)]
    partial = partial.reshape(direction.shape)
    numeric = central_estimate(loss.along(name, partial), precision.steps[0], precision).derivative
    return _distance(along_gradient(gradient, partial), numeric)


def _distance(analytic: float, numeric: float) -> float:
    distance = abs(analytic - numeric)
    return math.inf if math.isnan(distance) else distance
