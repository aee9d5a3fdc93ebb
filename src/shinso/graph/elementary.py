"""Elementary functions of whatever kind of number they are given, under NumPy's names.

A function written with them, with the arithmetic operators and with ``abs`` can be evaluated at a number, a NumPy
array, a tensor, a ``Dual``, a SymPy expression or an mpmath number alike, and so be differentiated in every way:

    >>> from shinso.graph import elementary as el
    >>> def f(x):
    ...     return el.exp(x) + 3 * x**2 + 4 * x
    >>> f(0.0)
    1.0

Where it branches, ``where``, ``maximum`` and ``relu`` keep it open to arrays and symbols; Python's ``if`` and loops do
for numbers and dual numbers.
"""

import math
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch


def exp(x: Any) -> Any:
    """eˣ."""
    return _evaluated("exp", x, exp, exp)


def expm1(x: Any) -> Any:
    """eˣ − 1, exact near 0."""
    return _evaluated("expm1", x, expm1, exp)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return _evaluated("log", x, log, lambda v: 1 / v)


def log1p(x: Any) -> Any:
    """log(1 + x), exact near 0."""
    return _evaluated("log1p", x, log1p, lambda v: 1 / (1 + v))


def sqrt(x: Any) -> Any:
    """The square root."""
    return _evaluated("sqrt", x, sqrt, lambda v: 1 / (2 * sqrt(v)))


def sin(x: Any) -> Any:
    """The sine."""
    return _evaluated("sin", x, sin, cos)


def cos(x: Any) -> Any:
    """The cosine."""
    return _evaluated("cos", x, cos, lambda v: -sin(v))


def tan(x: Any) -> Any:
    """The tangent."""
    return _evaluated("tan", x, tan, lambda v: 1 + tan(v) ** 2)


def arcsin(x: Any) -> Any:
    """The inverse of the sine."""
    return _evaluated("asin", x, arcsin, lambda v: 1 / sqrt(1 - v**2))


def arccos(x: Any) -> Any:
    """The inverse of the cosine."""
    return _evaluated("acos", x, arccos, lambda v: -1 / sqrt(1 - v**2))


def arctan(x: Any) -> Any:
    """The inverse of the tangent."""
    return _evaluated("atan", x, arctan, lambda v: 1 / (1 + v**2))


def sinh(x: Any) -> Any:
    """The hyperbolic sine."""
    return _evaluated("sinh", x, sinh, cosh)


def cosh(x: Any) -> Any:
    """The hyperbolic cosine."""
    return _evaluated("cosh", x, cosh, sinh)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return _evaluated("tanh", x, tanh, lambda v: 1 - tanh(v) ** 2)


def sigmoid(x: Any) -> Any:
    """1 / (1 + e⁻ˣ)."""
    return _evaluated("sigmoid", x, sigmoid, lambda v: sigmoid(v) * sigmoid(-v))


def relu(x: Any) -> Any:
    """max(x, 0); its slope at 0 is taken as 0, as in torch."""
    return _evaluated("relu", x, relu, lambda v: where(v > 0, 1.0, 0.0))


def absolute(x: Any) -> Any:
    """|x|, as the built-in ``abs``; its slope at 0 is taken as 0, as in torch."""
    return abs(x)


def power(x: Any, exponent: Any) -> Any:
    """x to the exponent, as the operator ``**``."""
    return x**exponent


def maximum(x: Any, y: Any) -> Any:
    """The larger of the two; where they are equal each has half of the slope, as in torch."""
    if _is_symbolic(x, y):
        return sys.modules["sympy"].Max(x, y)
    return where(x > y, x, where(x < y, y, (x + y) / 2))


def minimum(x: Any, y: Any) -> Any:
    """The smaller of the two; where they are equal each has half of the slope, as in torch."""
    if _is_symbolic(x, y):
        return sys.modules["sympy"].Min(x, y)
    return where(x < y, x, where(x > y, y, (x + y) / 2))


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, y elsewhere."""
    if isinstance(condition, bool | np.bool_):
        return x if condition else y
    for value in (x, y):
        if hasattr(value, "chosen"):
            return value.chosen(condition, x, y)
    if _is_symbolic(condition):
        return sys.modules["sympy"].Piecewise((x, condition), (y, True))
    return torch.where(condition, x, y) if isinstance(condition, torch.Tensor) else np.where(condition, x, y)


def _evaluated(name: str, x: Any, function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    """The function of that name, from the library that x is a number of; a dual number applies it itself."""
    if hasattr(x, "through"):
        return x.through(function, slope)
    library = _library(x)
    own = getattr(library, name, None)
    if own is not None:
        return own(x)
    return _OTHERWISE[name, library.__name__](x)


def _library(x: Any) -> ModuleType:
    if isinstance(x, float | int):
        return math
    if isinstance(x, torch.Tensor):
        return torch
    if isinstance(x, np.ndarray | np.generic):
        return np
    if _is_symbolic(x):
        return sys.modules["sympy"]
    if "mpmath" in sys.modules and isinstance(x, sys.modules["mpmath"].mpf):
        return sys.modules["mpmath"]
    raise TypeError(
        f"an elementary function takes a number, a Dual, a NumPy array, a tensor or a SymPy expression; got {x!r}, of "
        f"type {type(x).__name__}"
    )


def _is_symbolic(*values: Any) -> bool:
    # What is not loaded cannot have made the value; loading SymPy takes longer than the rest of the package.
    sympy = sys.modules.get("sympy")
    return sympy is not None and any(isinstance(value, sympy.Basic) for value in values)


def _sigmoid_of_number(x: Any) -> Any:
    e = exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1 + e)


# By name and library, where the library has no function of that name.
_OTHERWISE: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("sigmoid", "math"): _sigmoid_of_number,
    ("sigmoid", "mpmath"): _sigmoid_of_number,
    ("sigmoid", "numpy"): lambda x: np.exp(-np.logaddexp(0.0, -x)),
    ("sigmoid", "sympy"): lambda x: 1 / (1 + exp(-x)),
    ("relu", "math"): lambda x: max(x, 0.0),
    ("relu", "mpmath"): lambda x: max(x, 0 * x),
    ("relu", "numpy"): lambda x: np.maximum(x, 0.0),
    ("relu", "sympy"): lambda x: maximum(x, 0),
    ("expm1", "sympy"): lambda x: exp(x) - 1,
    ("log1p", "sympy"): lambda x: log(1 + x),
    ("asin", "numpy"): np.arcsin,
    ("acos", "numpy"): np.arccos,
    ("atan", "numpy"): np.arctan,
}
