"""Numerical differentiation: quotients of differences, and the step they are taken with (lecture 003 section 1.2)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch

Point = TypeVar("Point", float, np.ndarray, torch.Tensor)
Function = Callable[[Any], Any]


def forward_difference(function: Function, at: Point, step: float | None = None) -> Point:
    """(f(x + h) − f(x)) / h, whose error is O(h) (lecture 003 equations 11 and 12).

    At a number it is the derivative, at an array or tensor the gradient of a function that returns one number, entry by
    entry. The default step is √ε times the entry's size. Raises ValueError for a step that is 0 or leaves x unchanged.
    """
    start = function(at)
    found: Point = _entry_by_entry(at, 1 / 2, step, lambda moved, h: (function(moved(h)) - start) / h)
    return found


def central_difference(function: Function, at: Point, step: float | None = None) -> Point:
    """(f(x + h) − f(x − h)) / 2h, whose error is O(h²) (lecture 003 equations 13 and 14).

    At a number it is the derivative, at an array or tensor the gradient of a function that returns one number, entry by
    entry. The default step is ∛ε times the entry's size. Raises ValueError for a step that is 0 or leaves x unchanged.
    """
    found: Point = _entry_by_entry(
        at, 1 / 3, step, lambda moved, h: (function(moved(h)) - function(moved(-h))) / (2 * h)
    )
    return found


def best_forward_step(function: Function, at: float) -> float:
    """The step at which the truncation error |f″|h/2 and the round-off error 2ε|f|/h of the forward difference have the
    least sum (Nocedal and Wright, Numerical Optimization, section 8.1).

    f″ is estimated from three evaluations. Where it vanishes the step is √ε times the size of x.
    """
    h = _default_step(at, 1 / 4)
    curvature = abs(function(at + h) - 2 * function(at) + function(at - h)) / h**2
    return _balanced(at, 1 / 2, lambda noise: 2 * math.sqrt(noise / curvature) if curvature else math.inf, function)


def best_central_step(function: Function, at: float) -> float:
    """The step at which the truncation error |f‴|h²/6 and the round-off error ε|f|/h of the central difference have the
    least sum.

    f‴ is estimated from four evaluations. Where it vanishes the step is ∛ε times the size of x.
    """
    h = _default_step(at, 1 / 5)
    rise = function(at + 2 * h) - 2 * function(at + h) + 2 * function(at - h) - function(at - 2 * h)
    third = abs(rise) / (2 * h**3)
    return _balanced(at, 1 / 3, lambda noise: (3 * noise / third) ** (1 / 3) if third else math.inf, function)


@dataclass(frozen=True)
class Extrapolation:
    """A derivative extrapolated to step 0, an estimate of its error, and the evaluations that it took."""

    derivative: float
    error: float
    evaluations: int


def extrapolated_difference(function: Function, at: float, step: float | None = None) -> Extrapolation:
    """The central difference extrapolated to step 0 from steps that shrink until round-off sets in.

    Source: Ridders (1982), doi 10.1016/S0141-1195(82)80057-0; ``step`` is the first and largest, by default a tenth
    of the size of x. Accurate to about ten digits for a smooth function in double precision.
    """
    h = 0.1 * _size(at) if step is None else step
    shrink, best = 1.4, Extrapolation(math.nan, math.inf, 0)
    previous: list[float] = []
    for row in range(12):
        current = [float(central_difference(function, at, h / shrink**row))]
        for column, coarse in enumerate(previous, start=1):
            factor = shrink ** (2 * column)
            current.append((factor * current[-1] - coarse) / (factor - 1))
            error = max(abs(current[-1] - current[-2]), abs(current[-1] - coarse))
            if error <= best.error:
                best = Extrapolation(current[-1], error, 2 * (row + 1))
        if previous and abs(current[-1] - previous[-1]) >= 2 * best.error:
            break
        previous = current
    return best


def _entry_by_entry(
    at: Any, order: float, step: float | None, quotient: Callable[[Callable[[float], Any], float], Any]
) -> Any:
    """The quotient in each entry; it is given the point as a function of how far the entry is moved."""
    if isinstance(at, float | int):
        h = _exact_step(at, _default_step(at, order) if step is None else step)
        return quotient(lambda move: at + move, h)
    flat = at.reshape(-1)
    eps = _epsilon(at)
    slopes: list[float] = []
    for index in range(len(flat)):
        entry = float(flat[index])
        h = _exact_step(entry, _default_step(entry, order, eps) if step is None else step)
        slopes.append(float(quotient(partial(_moved, at, index), h)))
    return _like(slopes, at)


def _moved(at: Any, index: int, move: float) -> Any:
    copy = at.detach().clone() if isinstance(at, torch.Tensor) else at.copy()
    copy.reshape(-1)[index] += move
    return copy


def _like(slopes: Sequence[float], at: Any) -> Any:
    if isinstance(at, torch.Tensor):
        return torch.tensor(slopes, dtype=at.dtype, device=at.device).reshape(at.shape)
    return np.array(slopes, dtype=at.dtype).reshape(at.shape)


def _epsilon(at: Any) -> float:
    if isinstance(at, torch.Tensor):
        return torch.finfo(at.dtype).eps
    return float(np.finfo(at.dtype).eps)


def _exact_step(at: float, step: float) -> float:
    if step == 0 or at + step == at:
        raise ValueError(f"a step of {step} from {at} moves nowhere in double precision; take a larger one")
    return step


def _default_step(at: float, order: float, eps: float = 2.0**-52) -> float:
    return float(eps**order * _size(at))


def _size(at: float) -> float:
    return max(abs(at), 1.0)


def _balanced(at: float, order: float, balance: Callable[[float], float], function: Function) -> float:
    """The step of least error, no longer than a hundredth of the size of x, beyond which Taylor's terms mislead."""
    usual = _default_step(at, order)
    noise = 2.0**-52 * abs(function(at))
    found = balance(noise)
    return min(found, 0.01 * _size(at)) if 0 < found < math.inf else usual
