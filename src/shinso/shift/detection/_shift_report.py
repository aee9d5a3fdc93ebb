"""What ``detect`` has found."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from shinso.shift.detection._feature_shift import FeatureShift
from shinso.shift.detection._test_result import TestResult

_SHOWN = 12


@dataclass(frozen=True)
class ShiftReport:
    """Whether the current rows differ from the reference, in which features, and in which rows. ``print`` it."""

    reference_rows: int
    current_rows: int
    level: float
    tests: tuple[TestResult, ...]
    """All features together, by each test, and last "feature by feature"."""
    corrected: tuple[float, ...]
    """The tests' p-values, corrected for their number by Holm: one at most ``level`` makes ``moved`` true."""
    features: tuple[FeatureShift, ...]
    """The largest effect first."""
    examples: Int64[np.ndarray, " examples"]
    """The places of the current rows least like the reference, the least like it first; the first row is at 0."""
    scores: Float64[np.ndarray, " current"]
    """By current row how little it is like the reference, by ``scores`` of the first test."""
    notes: tuple[str, ...]
    """What was left out, merged or assumed."""
    shared_rows: int
    """How many current rows equal one of the reference, where that is no chance (``shared_rows``)."""

    @property
    def p_value(self) -> float:
        """The verdict's p-value, corrected for the number of tests."""
        return min(self.corrected)

    @property
    def moved(self) -> bool:
        """Whether the samples differ at the level."""
        return self.p_value <= self.level

    @property
    def moved_features(self) -> tuple[FeatureShift, ...]:
        """Those of which a share of at most ``level`` is expected to be false alarms (Benjamini and Hochberg)."""
        return tuple(feature for feature in self.features if feature.corrected_p <= self.level)

    def __str__(self) -> str:
        verdict = "differ from the reference" if self.moved else "do not show a difference from the reference"
        count = f"{len(self.tests)} tests" if len(self.tests) > 1 else "one test"
        lines = [
            f"The current rows {verdict}: p = {self.p_value:.2g}, corrected for {count} by Holm; level {self.level:g}.",
            f"{self.reference_rows:,} reference rows and {self.current_rows:,} current ones.",
            "",
            *self._test_lines(),
            *self._feature_lines(),
            *self._example_lines(),
            *(f"Note: {note}." for note in self.notes),
        ]
        return "\n".join(lines).rstrip()

    def _test_lines(self) -> list[str]:
        lines = [f"{'all features together':<24}{'effect':>8}{'p':>9}{'corrected':>11}   the effect is"]
        for test, corrected in zip(self.tests, self.corrected, strict=True):
            lines.append(f"{test.name:<24}{test.effect:>8.3f}{test.p_value:>9.2g}{corrected:>11.2g}   {test.meaning}")
        return [*lines, ""]

    def _feature_lines(self) -> list[str]:
        if not self.features:
            return []
        width = min(32, max(len("feature"), *(len(feature.name) for feature in self.features))) + 2
        head = f"{'feature':<{width}}{'effect':>8}  {'95 % interval':<15}{'corrected p':>11}   change"
        lines = [f"  {head}"]
        for feature in self.features[:_SHOWN]:
            mark = "*" if feature.corrected_p <= self.level else " "
            interval = f"{feature.low:.3f} … {feature.high:.3f}"
            name = feature.name if len(feature.name) <= 32 else feature.name[:31] + "…"
            numbers = f"{feature.effect:>8.3f}  {interval:<15}{feature.corrected_p:>11.2g}"
            lines.append(f"{mark} {name:<{width}}{numbers}   {feature.change}")
        rest = self.features[_SHOWN:]
        if rest:
            marked = sum(feature.corrected_p <= self.level for feature in rest)
            lines.append(f"  … and {len(rest)} more, of which {marked} moved")
        lines.append("  effect: the largest difference of probability, 0 to 1; * moved (Benjamini-Hochberg correction)")
        return [*lines, ""]

    def _example_lines(self) -> list[str]:
        if not len(self.examples):
            return []
        rows = ", ".join(str(place + 1) for place in self.examples)
        return [f"Current rows least like the reference, counted from 1: {rows}.", ""]
