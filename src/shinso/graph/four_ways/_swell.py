"""Expression swell: a derivative in closed form grows exponentially where the trace of automatic differentiation grows
linearly (lecture 003 section 1.2, figure 4).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from shinso._text_columns import columns
from shinso.graph import symbolic
from shinso.graph._trace import trace
from shinso.graph.four_ways._log_log_figure import Curve, curves_figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def logistic(x: Any) -> Any:
    """4x(1 − x), the step of the logistic map l(n+1) = 4 l(n) (1 − l(n)).

    >>> logistic(0.5)
    1.0
    """
    return 4 * x * (1 - x)


@dataclass(frozen=True)
class ExpressionSwell:
    """For l(1) = x, l(2), …, l(n): operations of the derivative in closed form and of both sweeps of reverse mode.

    ``print(swell)`` is a table, ``swell.figure()`` a picture.
    """

    iterations: tuple[int, ...]
    symbolic: tuple[int, ...]
    """Operations in SymPy's derivative, not simplified."""
    automatic: tuple[int, ...]
    """Values computed by reverse mode: the primals and adjoints of its trace."""

    @property
    def growth(self) -> float:
        """By what factor the closed form grows with the last iteration."""
        return self.symbolic[-1] / self.symbolic[-2]

    @property
    def increment(self) -> int:
        """How many values the trace grows by with the last iteration."""
        return self.automatic[-1] - self.automatic[-2]

    def __str__(self) -> str:
        rows = zip(self.iterations, self.symbolic, self.automatic, strict=True)
        table = columns(("n", "symbolic", "automatic"), ([f"{cell:,}" for cell in row] for row in rows))
        return (
            f"{table}\n\nthe closed form grows {self.growth:.2f} times with each iteration, the trace by "
            f"{self.increment} values"
        )

    def figure(self) -> "Figure":
        """A Plotly figure of both counts against n; a straight line is exponential growth."""
        curves = [
            Curve("symbolic: operations in the derivative", self.iterations, self.symbolic, "#c05a00"),
            Curve("automatic: primals and adjoints computed", self.iterations, self.automatic, "#1f5fa8"),
        ]
        title = "Expression swell of the iterated map"
        return curves_figure(curves, title, "n, of l(n)", "operations", x_type="linear")


def expression_swell(iterations: int = 8, step: Callable[[Any], Any] = logistic) -> ExpressionSwell:
    """The sizes of the derivative of a map iterated up to ``iterations`` − 1 times, in closed form and traced.

    ``step`` is written as ``shinso.graph.elementary`` says. Beyond ten iterations of the logistic map SymPy takes
    minutes. Raises ValueError for fewer than three iterations. Source: lecture 003 figure 4; Baydin et al. (2018,
    arXiv 1502.05767), figure 2 and table 1.
    """
    if iterations < 3:
        raise ValueError(f"growth shows from three iterations; got {iterations}")
    numbers = tuple(range(1, iterations + 1))
    functions = [_iterated(step, n - 1) for n in numbers]
    closed = tuple(symbolic.size(symbolic.derivative(function)) for function in functions)
    return ExpressionSwell(numbers, closed, tuple(_values_in_trace(function) for function in functions))


def _iterated(step: Callable[[Any], Any], times: int) -> Callable[[Any], Any]:
    def iterated(x: Any) -> Any:
        for _ in range(times):
            x = step(x)
        return x

    return iterated


def _values_in_trace(function: Callable[[Any], Any]) -> int:
    walk = trace(function, torch.tensor(0.2, dtype=torch.float64)).reverse_mode()
    return len(walk.graph.operations) + len(walk.adjoints)
