"""What the shift will cost, by every method that the arrays allow, on one page."""

import textwrap
from dataclasses import dataclass
from statistics import median

from shinso.shift.damage._as_text import as_text
from shinso.shift.damage._estimate import Estimate


@dataclass(frozen=True)
class Damage:
    """A metric on the reference, and what each method predicts for the current rows.

    ``predicted`` sums up the trusted methods by the medians of their values, lower ends and upper ends: what most of
    them hold possible (Gasparin and Ramdas 2024, majority vote). Where none is trusted it goes over all of them and on
    to the worst that there is, an accuracy of 0, and says so.
    """

    metric: str
    reference: Estimate
    predicted: Estimate
    estimates: tuple[Estimate, ...]
    current_rows: int
    confidence_shift: float | None = None
    """How far the distribution of the model's confidence has moved, 0 to 1; None for a metric without confidence."""

    @property
    def change(self) -> float:
        """The predicted value less the reference's."""
        return self.predicted.value - self.reference.value

    @property
    def disagreement(self) -> float:
        """The largest difference between two methods' values."""
        values = [estimate.value for estimate in self.estimates]
        return max(values) - min(values)

    @property
    def trusted(self) -> tuple[Estimate, ...]:
        """The methods that no diagnostic speaks against."""
        return tuple(estimate for estimate in self.estimates if estimate.trusted)

    def __str__(self) -> str:
        level = f"{100 * self.predicted.level:.0f} %"
        lines = [
            f"Predicted {self.metric} on {self.current_rows} current rows without labels, intervals at {level}",
            "",
            f"    {self.reference.line(self.metric)}",
            f"    {self.predicted.line(self.metric)}",
            "",
            "By method (effective reference rows; what it assumes; what speaks against it)",
        ]
        for estimate in self.estimates:
            lines += ["", f"  {'✓' if estimate.trusted else '✗'} {estimate.line(self.metric)}"]
            lines += _indented(f"{estimate.effective_rows:.0f} effective rows; {estimate.assumes}")
            lines += [line for doubt in estimate.doubts for line in _indented(f"doubt: {doubt}")]
        lines += ["", f"The methods differ by at most {as_text(self.disagreement, self.metric)}."]
        if self.confidence_shift is not None:
            lines[-1] += f" Confidence has moved by {self.confidence_shift:.2f} (Kolmogorov distance, 0 to 1)."
        lines += [f"Doubt about the whole: {doubt}." for doubt in self.predicted.doubts]
        lines += ["No method sees a change of p(y | x): label a few current rows to rule it out."]
        return "\n".join(lines)


def summed_up(estimates: tuple[Estimate, ...], worst: float | None = None) -> Estimate:
    """The medians of the trusted estimates' values and ends; where none is trusted, the widest ends of all.

    Then it reaches to the ``worst`` value as well: methods that fail are too hopeful together.
    """
    trusted = tuple(estimate for estimate in estimates if estimate.trusted)
    chosen = trusted or estimates
    lows, highs = [estimate.low for estimate in chosen], [estimate.high for estimate in chosen]
    doubts: tuple[str, ...] = ()
    if not trusted:
        wider = "and the interval is no wider for that"
        if worst is not None:
            wider, lows = "so that the interval goes over all and on to the worst", [*lows, worst]
        doubts += (f"no method is trusted here, {wider}",)
    elif max(lows) > min(highs):
        doubts += ("intervals of trusted methods do not overlap: not all of their assumptions hold",)
    return Estimate(
        "predicted",
        median(estimate.value for estimate in chosen),
        median(lows) if trusted else min(lows),
        median(highs) if trusted else max(highs),
        chosen[0].level,
        max(estimate.standard_error for estimate in chosen),
        min(estimate.effective_rows for estimate in chosen),
        "what most of the trusted methods assume",
        doubts,
    )


def _indented(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=" " * 6, subsequent_indent=" " * 8, break_on_hyphens=False)
