"""What a method says of the current data, how sure it is, and what that rests on."""

from dataclasses import dataclass, replace

from shinso.shift.damage._as_text import as_text


@dataclass(frozen=True)
class Estimate:
    """A metric's predicted value on the current rows, with an interval at ``level``.

    The interval is for the value that will be measured when the labels of these rows come (or for the population, where
    a function says so). It holds where ``assumes`` holds; ``doubts`` says what in the arrays speaks against that.
    """

    method: str
    value: float
    low: float
    high: float
    level: float
    standard_error: float
    effective_rows: float
    """How many reference rows of equal weight would say as much: Kish's effective sample size."""
    assumes: str
    doubts: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether no diagnostic speaks against the method here. Not a proof that its assumption holds."""
        return not self.doubts

    @property
    def width(self) -> float:
        """The interval's length."""
        return self.high - self.low

    def covers(self, truth: float) -> bool:
        """Whether the interval has the truth in it, its ends included."""
        # an accuracy such as 571/597 may differ from an end in its last bit
        return self.low - 1e-9 <= truth <= self.high + 1e-9

    def doubted(self, doubts: tuple[str, ...]) -> "Estimate":
        """The estimate with these doubts beside its own."""
        return replace(self, doubts=self.doubts + doubts)

    def line(self, metric: str) -> str:
        """The estimate on one line, its figures written as that metric's are."""
        value, low, high = (as_text(number, metric) for number in (self.value, self.low, self.high))
        return f"{self.method:<34} {value:>8}  [{low}, {high}]"

    def __str__(self) -> str:
        return self.line("any metric")
