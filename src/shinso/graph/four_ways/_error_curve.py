"""The error of numerical differentiation against its step: truncation on one side, round-off on the other (lecture 003
section 1.2, figure 2).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from shinso._text_columns import columns
from shinso.graph.four_ways._differences import central_difference, forward_difference
from shinso.graph.four_ways._dual import derivative as by_dual_numbers
from shinso.graph.four_ways._log_log_figure import Curve, curves_figure

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True)
class ErrorBranch:
    """The errors of one quotient at each step. ``print(curve)`` shows them."""

    steps: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def best_step(self) -> float:
        """The step of least error."""
        return self.steps[self.errors.index(min(self.errors))]

    @property
    def order(self) -> float:
        """The slope of the truncation branch on logarithmic axes: 1 for O(h), 2 for O(h²)."""
        return self._slope([h for h in self.steps if 30 * self.best_step <= h <= 0.3 * max(self.steps)])

    @property
    def round_off_order(self) -> float:
        """The slope of the round-off branch, about −1: half the step doubles the error."""
        return self._slope([h for h in self.steps if h <= self.best_step / 30])

    def _slope(self, steps: Sequence[float]) -> float:
        """The median of the slopes between all pairs of points (Theil and Sen), which single lucky errors do not
        move.
        """
        points = [
            (math.log(h), math.log(e)) for h, e in zip(self.steps, self.errors, strict=True) if h in steps and e > 0
        ]
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for i, a in enumerate(points) for b in points[i + 1 :]]
        return median(slopes) if slopes else math.nan


@dataclass(frozen=True)
class ErrorCurve:
    """Errors of the forward and the central difference at the same steps; ``figure()`` is lecture 003 figure 2."""

    at: float
    derivative: float
    forward: ErrorBranch
    central: ErrorBranch

    def __str__(self) -> str:
        rows = zip(self.forward.steps, self.forward.errors, self.central.errors, strict=True)
        table = columns(("step", "forward", "central"), ([f"{cell:.1e}" for cell in row] for row in rows))
        return f"{table}\n\nforward: {_summary(self.forward)}\ncentral: {_summary(self.central)}"

    def figure(self) -> "Figure":
        """A Plotly figure of both errors against the step, with lines of slope 1 and 2 to compare them with."""
        steps = self.forward.steps
        guides = [_guide(self.forward, 1, "#d9a06b"), _guide(self.central, 2, "#7fa8d1")]
        curves = [
            Curve("forward difference", steps, self.forward.errors, "#c05a00"),
            Curve("central difference", steps, self.central.errors, "#1f5fa8"),
            *(guide for guide in guides if guide is not None),
        ]
        title = f"Error of numerical differentiation at x = {self.at:g}"
        return curves_figure(curves, title, "step h", "absolute error", x_type="log")


def error_against_step(
    function: Callable[[Any], Any], at: float, derivative: float | None = None, steps: Sequence[float] | None = None
) -> ErrorCurve:
    """The errors of the forward and central difference of a function of one number against its derivative, by default
    the one that dual numbers give.

    ``steps`` are by default six a decade from 1e-16 to 0.1, each rounded so that x + h is a number; those that leave x
    unchanged are skipped. Raises ValueError if fewer than two are left. Source: lecture 003 equations 11 to 14,
    figure 2; Baydin et al. (2018, arXiv 1502.05767), figure 3.
    """
    derivative = by_dual_numbers(function, at) if derivative is None else derivative
    wanted = [10.0 ** (power / 6) for power in range(-96, -5)] if steps is None else steps
    # The distance between two numbers of the machine, so that a step is not itself rounded.
    taken = tuple(sorted({h for h in ((at + step) - at for step in wanted) if h > 0}))
    if len(taken) < 2:
        raise ValueError(f"an error curve at {at} needs at least two positive steps that move it; got {list(wanted)}")
    forward = [abs(forward_difference(function, at, h) - derivative) for h in taken]
    central = [abs(central_difference(function, at, h) - derivative) for h in taken]
    return ErrorCurve(at, derivative, ErrorBranch(taken, tuple(forward)), ErrorBranch(taken, tuple(central)))


def _summary(branch: ErrorBranch) -> str:
    least = min(branch.errors)
    return (
        f"least error {least:.1e} at step {branch.best_step:.1e}; slope {branch.order:.2f} by truncation, "
        f"{branch.round_off_order:.2f} by round-off"
    )


def _guide(branch: ErrorBranch, order: int, colour: str) -> Curve | None:
    """A line of that slope, a little above the truncation branch."""
    branch_steps = [h for h in branch.steps if h >= 10 * branch.best_step]
    if len(branch_steps) < 2:
        return None
    middle = branch_steps[len(branch_steps) // 2]
    level = 4 * branch.errors[branch.steps.index(middle)]
    ends = (branch_steps[0], branch_steps[-1])
    return Curve(f"slope {order}", ends, [level * (h / middle) ** order for h in ends], colour, is_guide=True)
