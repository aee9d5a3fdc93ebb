"""What a gradient check found, as a thing to hold and to print."""

from dataclasses import dataclass
from enum import Enum

import torch

from shinso._text_columns import columns


class Verdict(Enum):
    """What a gradient is; the value says what to do."""

    CORRECT = "nothing to do"
    WRONG = (
        "look at the backward of the operation that uses it: a factor, a sign, a sum over the wrong axis, a transpose, "
        "a detach"
    )
    KINK = (
        "the loss has no derivative at this very point (ReLU at 0, equal maxima), so no value is right; near by the "
        "gradient is right, and training does not mind"
    )
    LOW_PRECISION = (
        "digits are lost on the way: the gradient holds in float64 and not in the model's own type, or the loss is "
        "rounded to few digits inside; keep that part in a wider type, or rewrite it (log1p, expm1, logsumexp, no "
        "difference of nearly equal numbers)"
    )
    RANDOM = (
        "two evaluations at the same parameters and the same state of torch's random numbers differ: the model draws "
        "from NumPy, Python's random or a generator of its own, or counts its calls; make it use torch's generator, or "
        "switch that off with model.eval()"
    )

    @property
    def words(self) -> str:
        """The verdict in plain words."""
        return {Verdict.WRONG: "wrong derivative"}.get(self, self.name.lower().replace("_", " "))


@dataclass(frozen=True)
class EntryCheck:
    """One entry of a parameter or input: its gradient by backward, and by central differences."""

    name: str
    index: tuple[int, ...]
    analytic: float
    """Of a verdict of low precision the gradient in the model's own type."""
    numeric: float
    """Of a verdict of low precision the gradient in float64."""
    relative_error: float
    """Their distance over the larger of them, or over a thousandth of the tensor's largest gradient where both are
    less.
    """

    def __str__(self) -> str:
        place = f"{self.name}[{', '.join(map(str, self.index))}]" if self.index else self.name
        numbers = f"gradient {self.analytic:.6g} against {self.numeric:.6g}"
        return f"{place}: {numbers}, relative error {self.relative_error:.1e}"


@dataclass(frozen=True)
class TensorCheck:
    """A parameter or input: the derivative of the loss as the whole tensor moves in a random direction, and its worst
    entry of those that were looked at.
    """

    name: str
    shape: tuple[int, ...]
    verdict: Verdict
    analytic: float
    numeric: float
    worst: EntryCheck


@dataclass(frozen=True)
class GradientCheck:
    """The verdict on a model's gradient; ``print(check)`` says which entry is worst and what to do."""

    verdict: Verdict
    rows: tuple[TensorCheck, ...]
    """One for each parameter that requires a gradient and each floating-point input; none if the loss is random."""
    dtype: torch.dtype
    """The type that the differences were taken in."""
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is nothing to repair: every gradient is correct, or is so beside a kink that the loss stands
        on.
        """
        return self.verdict in (Verdict.CORRECT, Verdict.KINK)

    @property
    def worst(self) -> EntryCheck | None:
        """The entry with the largest relative error in a tensor with the verdict; None if the loss is random."""
        found = [row.worst for row in self.rows if row.verdict is self.verdict]
        return max(found, key=lambda entry: entry.relative_error, default=None)

    def __str__(self) -> str:
        kind = str(self.dtype).removeprefix("torch.")
        lines = [f"gradient of {len(self.rows)} tensors, differences in {kind}: {self.verdict.words}"]
        if self.verdict is not Verdict.CORRECT:
            lines[0] = f"gradient: {self.verdict.words}. {_sentence(self.verdict.value)}"
        if self.worst is not None:
            lines.append(f"worst entry: {self.worst}")
        if self.note:
            lines.append(_sentence(self.note))
        if self.rows:
            lines += ["", _table(self.rows)]
        return "\n".join(lines)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _table(rows: tuple[TensorCheck, ...], most: int = 30) -> str:
    """The rows that fail, and of the others as many as fit."""
    ordered = sorted(rows, key=lambda row: (row.verdict is Verdict.CORRECT, -row.worst.relative_error))
    shown = ordered[: max(most, sum(row.verdict is not Verdict.CORRECT for row in rows))]
    header = ("tensor", "shape", "worst entry", "gradient", "against", "relative error", "verdict")
    table = columns(header, map(_cells, [row for row in rows if row in shown]))
    left = len(rows) - len(shown)
    return f"{table}\n… and {left} more, all correct" if left else table


def _cells(row: TensorCheck) -> tuple[str, ...]:
    worst = row.worst
    index = ", ".join(map(str, worst.index)) or "–"
    numbers = (f"{worst.analytic:.6g}", f"{worst.numeric:.6g}", f"{worst.relative_error:.1e}")
    return (row.name, "×".join(map(str, row.shape)) or "scalar", index, *numbers, row.verdict.words)
