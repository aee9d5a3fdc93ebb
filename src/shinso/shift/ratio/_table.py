"""Reading a table of numbers, whatever it is held in."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float

Table: TypeAlias = Any
"""Rows by columns of finite numbers: a NumPy array, a torch tensor, a pandas table, or nested lists.

One dimension is taken as a single column.
"""


_LARGEST = 1e150
"""Squares of more would overflow."""


@dataclass(frozen=True)
class Columns:
    """The numbers of a table, and the names of its columns where it has any."""

    values: Float[np.ndarray, "rows columns"]
    names: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.values)


def read_table(table: Table, called: str) -> Columns:
    """The table in float64, copied only where it must be.

    Raises ValueError, which names the table as ``called`` says, for columns that are not numbers, for missing or
    infinite values and those beyond 1e150, and for anything but one or two dimensions.
    """
    names = tuple(str(name) for name in table.columns) if hasattr(table, "columns") else None
    _check_kinds(table, names, called)
    if hasattr(table, "detach"):
        table = table.detach().cpu().double()
    try:
        values = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the {called} must hold numbers alone ({error}); turn categories into indicator columns first"
        ) from error
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(f"the {called} must be rows by columns; got the shape {values.shape}")
    _check_finite(values, names, called)
    return Columns(values, names)


def _check_kinds(table: Table, names: tuple[str, ...] | None, called: str) -> None:
    """NumPy makes numbers of dates, of missing ones too, and of complex numbers."""
    for place, dtype in enumerate(table.dtypes if names is not None else [getattr(table, "dtype", None)]):
        if getattr(dtype, "kind", None) in ("m", "M", "c"):
            column = f" in the column {names[place]}" if names else ""
            raise ValueError(
                f"the {called} must hold numbers alone, but has {dtype}{column}: make numbers of these first"
            )


def _check_finite(values: Float[np.ndarray, "rows columns"], names: tuple[str, ...] | None, called: str) -> None:
    # The ends tell of all values (nan spreads): it spares a table of booleans.
    with np.errstate(invalid="ignore"):
        if values.size == 0 or np.maximum(values.max(), -values.min()) <= _LARGEST:
            return
        broken = ~(np.abs(values) <= _LARGEST)
    columns = np.flatnonzero(broken.any(axis=0))
    if len(columns):
        named = ", ".join(names[column] if names else str(column) for column in columns[:5])
        raise ValueError(
            f"the {called} has {int(broken.sum())} missing or infinite values, in the columns {named}: "
            f"fill them in or leave those rows out (what is beyond {_LARGEST:g} counts as infinite)"
        )
