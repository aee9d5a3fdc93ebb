"""One function differentiated in all four ways: by hand, symbolically, numerically and automatically (lecture 003
section 1.2, figure 4).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import torch

from shinso._text_columns import columns
from shinso.graph import symbolic
from shinso.graph._graph import Graph
from shinso.graph._trace import trace
from shinso.graph.four_ways._differences import (
    best_central_step,
    best_forward_step,
    central_difference,
    forward_difference,
)
from shinso.graph.four_ways._dual import derivative
from shinso.graph.untraceable import Untraceable

Function = Callable[[Any], Any]

_DIGITS = 30


@dataclass(frozen=True)
class Differentiated:
    """A derivative, how it was got, and what it cost."""

    way: str
    """manual, symbolic, numerical or automatic."""
    method: str
    derivative: float | None
    """None if the function was not differentiated in this way; ``note`` then says why."""
    error: float | None = None
    """Its distance to the exact derivative."""
    evaluations: int | None = None
    """How often the function itself is evaluated for one derivative."""
    operations: int | None = None
    """How many numbers are computed for one derivative."""
    preparation: float = 0.0
    """Seconds spent once, before the first derivative: deriving the formula, tracing the graph."""
    seconds: float | None = None
    """Seconds for each derivative after that, the median of repeats."""
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """The same derivative in four ways; ``print(comparison)`` is the table of lecture 003 figure 4."""

    name: str
    at: float
    exact: float
    """The derivative to 30 digits, rounded once: the closed form, or dual numbers where there is none."""
    rows: tuple[Differentiated, ...]

    def __getitem__(self, method: str) -> Differentiated:
        """The row of that method, or the first of that way; raises KeyError if there is none."""
        for row in self.rows:
            if row.method.startswith(method) or row.way == method:
                return row
        raise KeyError(f"no row is called {method!r}; there are {', '.join(row.method for row in self.rows)}")

    def __str__(self) -> str:
        header = ("way", "by", "derivative", "error", "evaluations", "operations", "preparation", "each")
        table = columns(header, map(_cells, self.rows))
        notes = [f"{row.way}, {row.method}: {row.note}" for row in self.rows if row.note]
        return "\n\n".join([f"derivative of {self.name} at {self.at:g}: {self.exact:.16g}", table, *notes])


def compare(function: Function, at: float, manual: Function | None = None) -> Comparison:
    """The derivative of a function of one number in each of the four ways, with error and cost.

    The function is written with operators and the functions of ``shinso.graph.elementary``, so that numbers, dual
    numbers, tensors and SymPy symbols go through it alike. ``manual`` is its derivative as worked out by hand. A way
    that does not go, such as the symbolic one for a function with an ``if``, has its reason under the table.

    Raises ValueError if the function does not return a finite number. Source: lecture 003 section 1.2 and figure 4.
    """
    value = float(function(at))
    if not math.isfinite(value):
        raise ValueError(f"the function must return a finite number; at {at} it returned {value}")
    graph = _traced(function, at)
    size = len(graph.operations) if isinstance(graph, Graph) else None
    closed, preparation = _timed_once(lambda: _closed_form(function))
    exact = _exact(closed, function, at)
    rows = (
        _manual(manual, at),
        _symbolic(closed, at, preparation),
        _numerical("forward difference", forward_difference, best_forward_step, function, at, size),
        _numerical("central difference", central_difference, best_central_step, function, at, size),
        _dual(function, at, size),
        _reverse(function, at),
    )
    return Comparison(getattr(function, "__name__", "function"), at, exact, tuple(_with_error(r, exact) for r in rows))


def _manual(manual: Function | None, at: float) -> Differentiated:
    if manual is None:
        return Differentiated("manual", "formula", None, note="not given; manual= is the derivative worked out by hand")
    graph = _traced(manual, at)
    operations = len(graph.operations) if isinstance(graph, Graph) else None
    return Differentiated(
        "manual", "formula", float(manual(at)), None, 0, operations, 0.0, _seconds(lambda: manual(at))
    )


def _symbolic(closed: Any, at: float, preparation: float) -> Differentiated:
    if isinstance(closed, ValueError):
        return Differentiated("symbolic", "SymPy's formula", None, note=str(closed))
    import sympy as sp

    formula, further = _timed_once(lambda: sp.lambdify(list(closed.free_symbols), closed, "math"))
    arguments = [at] * len(closed.free_symbols)
    preparation += further
    return Differentiated(
        "symbolic", "SymPy's formula", float(formula(*arguments)), None, 0, symbolic.size(closed), preparation,
        _seconds(lambda: formula(*arguments)),
    )  # fmt: skip


def _numerical(
    name: str, difference: Callable[..., float], best_step: Callable[..., float], function: Function, at: float,
    size: int | None,
) -> Differentiated:  # fmt: skip
    step, preparation = _timed_once(lambda: best_step(function, at))
    # Two evaluations, and the difference, the step and the quotient.
    operations = None if size is None else 2 * size + 3
    seconds = _seconds(lambda: difference(function, at, step))
    found = float(difference(function, at, step))
    return Differentiated("numerical", f"{name}, h = {step:.0e}", found, None, 2, operations, preparation, seconds)


def _dual(function: Function, at: float, size: int | None) -> Differentiated:
    found = float(derivative(function, at))
    operations = None if size is None else 2 * size
    seconds = _seconds(lambda: derivative(function, at))
    return Differentiated("automatic", "dual numbers, forward mode", found, None, 1, operations, 0.0, seconds)


def _reverse(function: Function, at: float) -> Differentiated:
    graph, preparation = _timed_once(lambda: _traced(function, at))
    if isinstance(graph, Untraceable):
        return _autograd(function, at, f"torch.autograd instead of a graph for all numbers: {graph}")
    walk = graph.reverse_mode()
    operations = len(graph.operations) + len(walk.adjoints)
    found = float(walk[graph.inputs[0]])
    seconds = _seconds(graph.reverse_mode)
    return Differentiated("automatic", "graph, reverse mode", found, None, 1, operations, preparation, seconds)


def _autograd(function: Function, at: float, note: str) -> Differentiated:
    def gradient() -> float:
        x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(function(x), x)[0].item()

    return Differentiated(
        "automatic", "graph, reverse mode", gradient(), None, 1, seconds=_seconds(gradient), note=note
    )


def _traced(function: Function, at: float) -> Graph | Untraceable:
    try:
        return trace(function, torch.tensor(at, dtype=torch.float64))
    except Untraceable as error:
        return error


def _closed_form(function: Function) -> Any:
    """SymPy's derivative, or the reason that there is none."""
    try:
        return symbolic.derivative(function)
    except ValueError as error:
        return error


def _exact(closed: Any, function: Function, at: float) -> float:
    import mpmath
    import sympy as sp

    if not isinstance(closed, ValueError):
        number = sp.Float(at, _DIGITS)
        return float(closed.evalf(_DIGITS, subs=dict.fromkeys(closed.free_symbols, number)))
    with mpmath.workdps(_DIGITS):
        return float(derivative(function, mpmath.mpf(at)))


def _with_error(row: Differentiated, exact: float) -> Differentiated:
    return row if row.derivative is None else replace(row, error=abs(row.derivative - exact))


def _timed_once(call: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    return call(), time.perf_counter() - begin


def _seconds(call: Callable[[], Any], repeats: int = 7) -> float:
    """The median seconds of a call, each time taken over enough calls to last half a millisecond."""
    _, once = _timed_once(call)
    loops = max(1, math.ceil(5e-4 / max(once, 1e-7)))

    def run() -> None:
        for _ in range(loops):
            call()

    return median(_timed_once(run)[1] for _ in range(repeats)) / loops


def _cells(row: Differentiated) -> list[str]:
    if row.derivative is None:
        return [row.way, row.method, *["–"] * 6]
    counts = ["–" if count is None else str(count) for count in (row.evaluations, row.operations)]
    error = "–" if row.error is None else f"{row.error:.1e}"
    each = "–" if row.seconds is None else _duration(row.seconds)
    preparation = _duration(row.preparation) if row.preparation else "–"
    return [row.way, row.method, f"{row.derivative:.12g}", error, *counts, preparation, each]


def _duration(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"
