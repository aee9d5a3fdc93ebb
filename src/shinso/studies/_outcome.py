"""What a study found: numbers, a picture and a verdict."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shinso._text_columns import columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Table:
    """Numbers as text, under a title."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        return f"{self.title}\n\n{columns(self.header, self.rows)}"


@dataclass(frozen=True)
class Verdict:
    """Whether the claim holds in these numbers, and what decides it."""

    holds: bool
    because: str

    def __str__(self) -> str:
        return f"{'holds' if self.holds else 'does not hold'}: {self.because}"


@dataclass(frozen=True)
class Outcome:
    """A claim, the numbers measured for it, its picture and the verdict."""

    claim: str
    source: str
    """Paper and lecture that the claim is from."""
    tables: Sequence[Table]
    verdict: Verdict
    draw: Callable[["Figure"], None]
    """Draws the picture on an empty matplotlib figure."""

    def __str__(self) -> str:
        tables = "\n\n".join(map(str, self.tables))
        return f"{self.claim}\n({self.source})\n\n{tables}\n\n{self.verdict}"

    def save(self, directory: str | Path) -> Path:
        """Writes ``picture.png`` and ``numbers.json`` there; the path of the picture is returned."""
        from shinso._picture import drawn

        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "numbers.json").write_text(json.dumps(self._as_json(), indent=1, ensure_ascii=False) + "\n")
        path = directory / "picture.png"
        drawn(self.draw).savefig(path)
        return path

    def _as_json(self) -> dict[str, object]:
        tables = [{"title": t.title, "header": list(t.header), "rows": [list(r) for r in t.rows]} for t in self.tables]
        verdict = {"holds": self.verdict.holds, "because": self.verdict.because}
        return {"claim": self.claim, "source": self.source, "tables": tables, "verdict": verdict}


def claim_of(study: Callable[..., Outcome]) -> str:
    """The first line of a study's docstring."""
    return (study.__doc__ or study.__name__).strip().partition("\n")[0]
