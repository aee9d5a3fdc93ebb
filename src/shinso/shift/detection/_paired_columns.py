"""Two tables side by side, column by column, of the same names and kinds."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from shinso.shift.detection._table import Column, Table

FEWEST_ROWS = 10
_RARE, _MOST_LEVELS = 5, 50
REST = "(rare levels)"


@dataclass(frozen=True)
class PairedColumn:
    """A feature in both samples."""

    name: str
    reference: Column
    current: Column

    @property
    def numeric(self) -> bool:
        return self.reference.numeric

    @property
    def kind(self) -> str:
        """ "numeric", "date" or "categorical"."""
        if not self.numeric:
            return "categorical"
        return "date" if self.reference.dates and self.current.dates else "numeric"

    @property
    def pooled(self) -> Column:
        """The reference's rows and then the current ones."""
        return join(self.reference, self.current)

    def levels(self) -> tuple[list[str], Int64[np.ndarray, " pooled"]]:
        """The levels, the most frequent first, and by pooled row its place among them; -1 where missing.

        Levels seen fewer than 5 times in both samples together, and those after the fiftieth, are one level
        "(rare levels)". The samples' labels have no part in that, so that permutation tests stay exact.
        """
        pooled = self.pooled
        names, places, counts = np.unique(pooled.observed, return_inverse=True, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        kept = order[:_MOST_LEVELS][counts[order[:_MOST_LEVELS]] >= _RARE]
        new = np.full(len(names), len(kept))
        new[kept] = np.arange(len(kept))
        found = np.full(len(pooled.values), -1, dtype=np.int64)
        found[~pooled.missing] = new[places]
        rest = [REST] if len(kept) < len(names) else []
        return [str(names[place]) for place in kept] + rest, found


def join(first: Column, second: Column) -> Column:
    """The one's rows and then the other's."""
    return Column(
        np.concatenate([first.values, second.values]),
        np.concatenate([first.missing, second.missing]),
        first.dates and second.dates,
    )


def paired_columns(reference: Table, current: Table) -> list[PairedColumn]:
    """The features in the reference's order.

    Raises ValueError where a name is in one table only, a feature is numeric in one and not in the other, or a table
    has under ten rows.
    """
    only = [sorted(set(reference) - set(current)), sorted(set(current) - set(reference))]
    if any(only):
        raise ValueError(
            f"both tables need the same columns; only the reference has {only[0]}, only the current one has {only[1]}: "
            "rename or drop them"
        )
    for which, table in (("reference", reference), ("current", current)):
        rows = len(next(iter(table.values())).values)
        if rows < FEWEST_ROWS:
            raise ValueError(
                f"each table needs at least {FEWEST_ROWS} rows to be told from chance; the {which} has {rows}"
            )
    return [_pair(name, column, current[name]) for name, column in reference.items()]


def _pair(name: str, reference: Column, current: Column) -> PairedColumn:
    # A column without a single value has no kind of its own.
    if reference.numeric != current.numeric:
        if reference.missing.all():
            reference = _empty(len(reference.values), current.numeric)
        elif current.missing.all():
            current = _empty(len(current.values), reference.numeric)
    if reference.numeric != current.numeric:
        kinds = ("numeric", "categorical") if reference.numeric else ("categorical", "numeric")
        raise ValueError(
            f"column '{name}' is {kinds[0]} in the reference and {kinds[1]} in the current table, where it has values "
            f"such as '{(current if reference.numeric else reference).observed[0]}': convert one of them"
        )
    return PairedColumn(name, reference, current)


def _empty(rows: int, numeric: bool) -> Column:
    values = np.full(rows, np.nan) if numeric else np.full(rows, "", dtype=np.str_)
    return Column(values, np.ones(rows, dtype=bool))
