"""Dual numbers v + v̇ε with ε² = 0: forward mode by arithmetic alone (lecture 003 A.2)."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import torch

from shinso.graph import elementary

# Each call of ``derivative`` has an ε of its own; otherwise a derivative inside another one would be mixed up with it
# (perturbation confusion: Siskind and Pearlmutter, 2008, doi 10.1007/s10990-008-9037-1).
_epsilons = count(1)


@dataclass(frozen=True, eq=False)
class Dual:
    """A value and its tangent (lecture 003 equation 77): floats, NumPy arrays, tensors, SymPy expressions or duals.

    Arithmetic, and the functions of ``shinso.graph.elementary``, follow the chain rule (equations 78 and 79).
    Comparisons are those of the values.

    >>> Dual(3.0, 1.0) * Dual(3.0, 1.0)
    Dual(9.0 + 6.0ε)
    """

    value: Any
    tangent: Any
    epsilon: int = 0
    """Which ε the tangent goes with; numbers with a larger one treat those with a smaller one as constants."""

    # NumPy then leaves array * dual to the dual.
    __array_ufunc__ = None

    def __repr__(self) -> str:
        return f"Dual({self.value!r} + {self.tangent!r}ε)"

    def through(self, function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> "Dual":
        """The function of it, by the chain rule from the function's derivative."""
        return Dual(function(self.value), slope(self.value) * self.tangent, self.epsilon)

    def chosen(self, condition: Any, first: Any, second: Any) -> "Dual":
        """``first`` where the condition holds, else ``second``."""
        epsilon = _epsilon(first, second)
        (a, da), (b, db) = _parts(first, epsilon), _parts(second, epsilon)
        tangent = elementary.where(condition, 0.0 if da is None else da, 0.0 if db is None else db)
        return Dual(elementary.where(condition, a, b), tangent, epsilon)

    def sum(self) -> "Dual":
        """The sum over the entries of an array or tensor."""
        return Dual(self.value.sum(), _spread(self.tangent, self.value).sum(), self.epsilon)

    def __getitem__(self, index: Any) -> "Dual":
        return Dual(self.value[index], _spread(self.tangent, self.value)[index], self.epsilon)

    def __neg__(self) -> "Dual":
        return Dual(-self.value, -self.tangent, self.epsilon)

    def __pos__(self) -> "Dual":
        return self

    def __abs__(self) -> "Dual":
        return self.through(abs, _sign)

    def __add__(self, other: Any) -> "Dual":
        return _combined(self, other, lambda a, b: a + b, lambda a, b: 1, lambda a, b: 1)

    def __sub__(self, other: Any) -> "Dual":
        return _combined(self, other, lambda a, b: a - b, lambda a, b: 1, lambda a, b: -1)

    def __mul__(self, other: Any) -> "Dual":
        return _combined(self, other, lambda a, b: a * b, lambda a, b: b, lambda a, b: a)

    def __truediv__(self, other: Any) -> "Dual":
        return _combined(self, other, lambda a, b: a / b, lambda a, b: 1 / b, lambda a, b: -a / b**2)

    def __pow__(self, other: Any) -> "Dual":
        return _combined(self, other, lambda a, b: a**b, _slope_in_base, _slope_in_exponent)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: Any) -> "Dual":
        return (-self).__add__(other)

    def __rtruediv__(self, other: Any) -> "Dual":
        return self.through(lambda b: other / b, lambda b: -other / b**2)

    def __rpow__(self, other: Any) -> "Dual":
        return self.through(lambda b: other**b, lambda b: _slope_in_exponent(other, b))

    def __eq__(self, other: object) -> Any:
        return self.value == _value(other)

    def __ne__(self, other: object) -> Any:
        return self.value != _value(other)

    def __lt__(self, other: Any) -> Any:
        return self.value < _value(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= _value(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > _value(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= _value(other)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __hash__(self) -> int:
        return hash(self.value)


def derivative(function: Callable[[Any], Any], at: Any) -> Any:
    """The derivative of a function at a number: the coefficient of ε in f(v + ε) (lecture 003 equation 80).

    At an array or tensor it is the sum of each result's derivatives over the entries, for a function that works entry
    by entry each entry's derivative. It nests: ``derivative(lambda v: derivative(f, v), x)`` is the second
    derivative.

    >>> derivative(lambda x: elementary.exp(x) + 3 * x**2 + 4 * x, 0.0)
    5.0
    """
    epsilon = next(_epsilons)
    value, tangent = _parts(function(Dual(at, _one(at), epsilon)), epsilon)
    return 0.0 * value if tangent is None else _spread(tangent, value)


def _combined(
    first: Any,
    second: Any,
    function: Callable[[Any, Any], Any],
    slope_in_first: Callable[[Any, Any], Any],
    slope_in_second: Callable[[Any, Any], Any],
) -> Dual:
    """A function of two numbers by the chain rule; slopes in constants are not evaluated, since they may not exist."""
    epsilon = _epsilon(first, second)
    (a, da), (b, db) = _parts(first, epsilon), _parts(second, epsilon)
    value = function(a, b)
    if db is None:
        return Dual(value, slope_in_first(a, b) * da, epsilon)
    if da is None:
        return Dual(value, slope_in_second(a, b) * db, epsilon)
    return Dual(value, slope_in_first(a, b) * da + slope_in_second(a, b) * db, epsilon)


def _slope_in_base(base: Any, exponent: Any) -> Any:
    # 0 · 0⁻¹ would be no number.
    return 0.0 * base if isinstance(exponent, int | float) and exponent == 0 else exponent * base ** (exponent - 1)


def _slope_in_exponent(base: Any, exponent: Any) -> Any:
    return elementary.log(base) * base**exponent


def _sign(x: Any) -> Any:
    return elementary.where(x > 0, 1.0, elementary.where(x < 0, -1.0, 0.0))


def _epsilon(first: Any, second: Any) -> int:
    return max(number.epsilon for number in (first, second) if isinstance(number, Dual))


def _parts(number: Any, epsilon: int) -> tuple[Any, Any]:
    """Value and tangent; the tangent of a constant is None."""
    return (number.value, number.tangent) if isinstance(number, Dual) and number.epsilon == epsilon else (number, None)


def _value(number: Any) -> Any:
    return number.value if isinstance(number, Dual) else number


def _one(number: Any) -> Any:
    if isinstance(number, torch.Tensor):
        return torch.ones_like(number)
    if isinstance(number, np.ndarray):
        return np.ones_like(number)
    return 1.0 if isinstance(number, int | float) else 1


def _spread(tangent: Any, value: Any) -> Any:
    """The tangent in the shape of the value, which it may have been broadcast to."""
    if isinstance(value, torch.Tensor):
        return torch.as_tensor(tangent, dtype=value.dtype, device=value.device).broadcast_to(value.shape)
    return np.broadcast_to(tangent, value.shape) if isinstance(value, np.ndarray) else tangent
