"""Whether a derivative fits a function of one number that can only be evaluated with errors, and may have kinks."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

Line = Callable[[float], float]

_NARROWING = (1 / 3, 2 / 5, 1 / 4, 1 / 2, 1 / 5, 1 / 8)
"""Powers of the machine's epsilon to take as steps: the usual one, then in turns shorter ones, which meet fewer
kinks, and longer ones, which feel less noise.
"""


@dataclass(frozen=True)
class Precision:
    """What can be expected of differences in a floating-point type."""

    epsilon: float

    @property
    def tolerance(self) -> float:
        """The relative error up to which two derivatives are the same: 5e-7 in float64, 2e-3 in float32."""
        return math.pow(self.epsilon, 2 / 5)

    @property
    def steps(self) -> tuple[float, ...]:
        """The steps to try, in units of the size of what is moved."""
        return tuple(self.epsilon**power for power in _NARROWING)


@dataclass(frozen=True)
class Estimate:
    """A derivative by differences, and about how far off it is."""

    derivative: float
    error: float
    step: float = math.inf
    is_flat: bool = False
    """Whether the function did not change at all, because it is constant or its rounding is coarser than the step."""

    def agrees(self, analytic: float, tolerance: float) -> bool:
        """Whether a derivative is within the error of this one."""
        allowed = tolerance * max(abs(analytic), abs(self.derivative)) + 3 * self.error
        return abs(analytic - self.derivative) <= allowed


@dataclass(frozen=True)
class LineCheck:
    """The best estimate, and whether the derivative that was to be checked agrees."""

    numeric: Estimate
    agrees: bool
    is_staircase: bool = False
    """Whether the function stands still over short steps and moves over long ones: it is rounded to few digits
    inside.
    """


def check_line(line: Line, analytic: float, floor: float, precision: Precision) -> LineCheck:
    """Whether the derivative of a function at 0 is ``analytic``.

    It is if it agrees with the differences at one step at least, where those are accurate to four digits of the
    larger of the two or of ``floor``: a kink near by, or noise, spoils some steps and never makes a wrong value
    right. If there is no such step, the best one decides.
    """
    estimates = []
    for step in precision.steps:
        estimate = central_estimate(line, step, precision)
        decisive = estimate.error <= 1e-4 * max(abs(analytic), abs(estimate.derivative), floor)
        if decisive and estimate.agrees(analytic, precision.tolerance):
            return LineCheck(estimate, True)
        estimates.append(estimate)
    best = _most_accurate(estimates, noise_level(line, precision))
    return LineCheck(
        best, best.agrees(analytic, precision.tolerance), _is_staircase(estimates, line(0.0), analytic, precision)
    )


def noise_level(line: Line, precision: Precision) -> float:
    """About how far rounding moves the function's value, where that is more than the last digit.

    Fourth differences at neighbouring points leave the rounding alone of a smooth function. Source: Moré and Wild
    (2011, doi 10.1137/100786125), section 3; Hamming (1973), chapter 6.
    """
    # Rounding may repeat with one spacing by coincidence.
    return max(_roughness(line, factor * math.sqrt(precision.epsilon)) for factor in (1.0, math.pi, 10.0))


def _roughness(line: Line, spacing: float) -> float:
    values = [line(spacing * position) for position in range(-4, 5)]
    for _ in range(4):
        values = [after - before for before, after in pairwise(values)]
    # The coefficients 1, 4, 6, 4, 1 of a fourth difference have squares that sum to 70.
    return math.sqrt(sum(value**2 for value in values) / len(values) / 70)


def _is_staircase(estimates: list[Estimate], value: float, analytic: float, precision: Precision) -> bool:
    still = [e for e in estimates if e.is_flat and abs(analytic) * e.step > 100 * precision.epsilon * abs(value)]
    return len(still) >= 2 and any(abs(e.derivative) > 0.01 * abs(analytic) for e in estimates)


def _most_accurate(estimates: list[Estimate], noise: float) -> Estimate:
    honest = [replace(estimate, error=estimate.error + 10 * noise / estimate.step) for estimate in estimates]
    moving = [estimate for estimate in honest if not estimate.is_flat]
    known = [estimate for estimate in moving or honest if math.isfinite(estimate.error)]
    return min(known, key=lambda estimate: estimate.error, default=Estimate(math.nan, math.inf))


def central_estimate(line: Line, step: float, precision: Precision) -> Estimate:
    """The central difference extrapolated once to step 0 (Richardson, 1911), from four evaluations."""
    values = [line(step), line(-step), line(step / 2), line(-step / 2)]
    wide, narrow = (values[0] - values[1]) / (2 * step), (values[2] - values[3]) / step
    noise = 4 * precision.epsilon * max(map(abs, values)) / step
    return Estimate((4 * narrow - wide) / 3, abs(narrow - wide) + noise, step, len(set(values)) == 1)


def has_kink(line: Line, analytic: float, precision: Precision) -> bool:
    """Whether the slopes ahead of 0 and behind it differ however near to 0 they are taken, and ``analytic`` is not far
    from either: a function without a derivative there, given one by convention.
    """
    start = line(0.0)
    seen = 0
    for step in sorted(precision.steps)[:3]:
        ahead, behind = (_one_sided(line, start, h, precision) for h in (step, -step))
        gap = abs(ahead.derivative - behind.derivative)
        slopes = (ahead.derivative, behind.derivative)
        is_near = min(slopes) - gap <= analytic <= max(slopes) + gap
        seen += gap > 10 * (ahead.error + behind.error) + precision.tolerance * max(map(abs, slopes)) and is_near
    return seen >= 2


def _one_sided(line: Line, start: float, step: float, precision: Precision) -> Estimate:
    values = [line(h) for h in (step, step / 2, step / 4)]
    wide, middle, narrow = ((value - start) / h for value, h in zip(values, (step, step / 2, step / 4), strict=True))
    first, second = 2 * middle - wide, 2 * narrow - middle
    noise = 4 * precision.epsilon * max(map(abs, [start, *values])) / abs(step)
    return Estimate(first, abs(first - second) + noise)
