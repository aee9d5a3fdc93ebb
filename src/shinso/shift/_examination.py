"""What ``examine`` has found, as a page to read."""

import textwrap
from dataclasses import dataclass
from functools import partial

import numpy as np

from shinso.shift.damage import Damage, as_text
from shinso.shift.detection import ShiftReport
from shinso.shift.ratio import DensityRatio
from shinso.shift.weighting import ExponentChoice


@dataclass(frozen=True)
class Examination:
    """How current data differ from a reference, and what follows; ``print`` it."""

    found: ShiftReport
    names: tuple[str, ...]
    """Of the columns."""
    ratio: DensityRatio | None
    """Current to reference; its ``denominator_weights`` are those of the reference's rows."""
    no_weights: str
    """Why there is no ratio."""
    weighting: ExponentChoice | None
    not_tried: str
    """Why weighting was not tried."""
    damage: Damage | None
    no_cost: str
    """Why the cost is not known."""
    out_of_reach: str
    """What part of the current rows nothing in the reference stands for."""

    @property
    def did_it_move(self) -> str:
        """The verdict of the tests."""
        if not self.found.moved:
            return f"No difference is shown (p = {self.found.p_value:.2g}); small ones may be there.{self._shared}"
        tests = zip(self.found.tests, self.found.corrected, strict=True)
        worst = max((test for test, p in tests if p <= self.found.level), key=lambda test: test.effect)
        name = worst.name[:1].upper() + worst.name[1:]
        return f"Yes (p = {self.found.p_value:.2g}). {name}: {worst.effect:.2f}, {worst.meaning}.{self._shared}"

    @property
    def _shared(self) -> str:
        rows = self.found.shared_rows
        return f" {rows:,} current rows are reference rows too, which hides a shift." if rows else ""

    @property
    def where(self) -> str:
        """The features that moved most."""
        moved = self.found.moved_features
        if not moved:
            return "No single feature is shown to have moved."
        names = [f"{feature.name} ({feature.effect:.2f}: {feature.change})" for feature in moved[:3]]
        rest = f", and {len(moved) - 3} more" if len(moved) > 3 else ""
        return f"{'; '.join(names)}{rest}."

    @property
    def what_it_costs(self) -> str:
        """What the model is predicted to do on the current rows."""
        if self.damage is None:
            return f"Not known: {self.no_cost}."
        written = partial(as_text, metric=self.damage.metric)
        was, will = self.damage.reference, self.damage.predicted
        sure = "" if will.trusted else f" Do not rely on it: {will.doubts[0]}."
        interval = f"{100 * will.level:.0f} % interval {written(will.low)} to {written(will.high)}"
        metric = self.damage.metric[0].upper() + self.damage.metric[1:]
        return f"{metric} {written(was.value)} on the reference, {written(will.value)} expected ({interval}).{sure}"

    @property
    def does_weighting_help(self) -> str:
        """What a linear model would gain by weighting the reference's rows."""
        if self.ratio is None:
            return f"It cannot: {self.no_weights}."
        worth, rows = self.ratio.effective_sample_size, self.ratio.diagnosis.rows
        left = f"With full weights {rows:,} reference rows are worth {worth:,.0f}."
        if self.out_of_reach:
            left += f" But {self.out_of_reach}."
        if not self.found.moved:
            return "Nothing has to be weighted."
        if self.weighting is None:
            return f"Not known: {self.not_tried}. {left}"
        gain, error = self._gain()
        if self.weighting.chosen == 0 or gain <= 0:
            return f"No: a linear model is expected to do best without weights. {left}"
        if gain <= 2 * error:
            return f"It is not shown to: a linear model gains {gain:.3g} ± {error:.2g} nats a row. {left}"
        return (
            f"Yes: a linear model loses {gain:.3g} ± {error:.2g} nats a row less on such rows with weights to the "
            f"power {self.weighting.chosen:g}. {left}"
        )

    def _gain(self) -> tuple[float, float]:
        choice = self.weighting
        assert choice is not None
        unweighted = int(np.argmin(np.abs(choice.exponents)))
        best = int(np.argmin(np.abs(choice.exponents - choice.chosen)))
        gain = float(choice.criteria[unweighted] - choice.criteria[best])
        return gain, float(choice.standard_errors[unweighted])

    @property
    def answers(self) -> dict[str, str]:
        """The four answers by their questions."""
        return {
            "Did it move?": self.did_it_move,
            "Where?": self.where,
            "What will it cost?": self.what_it_costs,
            "Does weighting help?": self.does_weighting_help,
        }

    def __str__(self) -> str:
        width = max(map(len, self.answers)) + 2
        lines = [
            textwrap.fill(answer, 110, initial_indent=f"{question:<{width}}", subsequent_indent=" " * width)
            for question, answer in self.answers.items()
        ]
        parts = ["\n".join(lines), str(self.found)]
        if self.ratio is not None:
            parts.append(str(self.ratio.diagnosis))
        if self.damage is not None:
            parts.append(str(self.damage))
        return "\n\n".join(parts)
