"""The record of what happened: scalars, arrays and events by step, in one SQLite file that can be read while it
grows.
"""

import json
import sqlite3
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from jaxtyping import Shaped

_SCHEMA = """
CREATE TABLE IF NOT EXISTS scalars (name TEXT NOT NULL, step INTEGER NOT NULL, value REAL, PRIMARY KEY (name, step))
WITHOUT ROWID; CREATE TABLE IF NOT EXISTS arrays (
    name TEXT NOT NULL, step INTEGER NOT NULL, dtype TEXT NOT NULL, shape TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (name, step)
);
CREATE TABLE IF NOT EXISTS labels (name TEXT PRIMARY KEY, labels TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, time REAL NOT NULL, step INTEGER, kind TEXT NOT NULL,
content TEXT NOT NULL);
"""


class Readings(NamedTuple):
    """One named series: ``values[i]`` was read at ``steps[i]``; ``labels`` names the entries of the first axis
    of a value.
    """

    steps: np.ndarray
    values: np.ndarray
    labels: tuple[str, ...] = ()


class Event(NamedTuple):
    """Something that happened once: ``time`` in seconds since 1970, ``content`` as JSON allows."""

    time: float
    step: int | None
    kind: str
    content: dict[str, Any]


class Record:
    """Named readings by step, kept in memory (``path=None``) or in a SQLite file in write-ahead mode.

    Writes gather in one open transaction until ``commit``; a process killed in between leaves the last committed state.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._connect(":memory:" if path is None else path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """The record in an existing file, readable also while another process writes it."""
        if not path.is_file():
            raise FileNotFoundError(f"no record at {path}; expected the run.db of a run directory")
        record = cls.__new__(cls)
        record._connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            record._db.execute("SELECT 1 FROM events LIMIT 1")
        except sqlite3.DatabaseError as error:
            record._db.close()
            raise ValueError(f"{path} is not a record that shinso wrote, or is damaged: {error}") from error
        return record

    def _connect(self, to: str | Path, uri: bool = False) -> None:
        self._db = sqlite3.connect(to, uri=uri, isolation_level=None, timeout=30)
        # Python 3.13 complains of connections that nobody closed, as of records in memory, which need no closing.
        weakref.finalize(self, _close, self._db).atexit = False

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Keep one number per name at this step; a second reading at the same step replaces the first."""
        self._write(
            "INSERT OR REPLACE INTO scalars VALUES (?, ?, ?)", [(name, step, float(v)) for name, v in values.items()]
        )

    def series(self, name: str, steps: Sequence[int], values: Sequence[float]) -> None:
        """Keep one number per step under one name."""
        rows = [(name, int(step), float(value)) for step, value in zip(steps, values, strict=True)]
        self._write("INSERT OR REPLACE INTO scalars VALUES (?, ?, ?)", rows)

    def array(self, step: int, name: str, value: Shaped[np.ndarray, "*shape"], labels: Sequence[str] = ()) -> None:
        """Keep an array; ``labels`` (kept once per name) names the entries of its first axis."""
        self.arrays(step, {name: value})
        if labels:
            self.labels(name, labels)

    def labels(self, name: str, labels: Sequence[str]) -> None:
        """Name the entries of the first axis of a series of arrays."""
        self._write("INSERT OR REPLACE INTO labels VALUES (?, ?)", [(name, json.dumps(list(labels)))])

    def arrays(self, step: int, values: Mapping[str, Shaped[np.ndarray, "..."]]) -> None:
        """Keep one array per name at this step; raises ValueError for an array of objects."""
        for name, value in values.items():
            if value.dtype.hasobject:
                raise ValueError(f"{name!r} is an array of objects; expected numbers, booleans or text")
        self._write(
            "INSERT OR REPLACE INTO arrays VALUES (?, ?, ?, ?, ?)",
            [(n, step, v.dtype.str, json.dumps(v.shape), np.ascontiguousarray(v).tobytes()) for n, v in values.items()],
        )

    def event(self, kind: str, content: Mapping[str, Any], step: int | None = None) -> None:
        """Keep something that happened once, with the time of day."""
        row = (time.time(), step, kind, json.dumps(content))
        self._write("INSERT INTO events (time, step, kind, content) VALUES (?, ?, ?, ?)", [row])

    def commit(self) -> None:
        """Make everything written so far durable against a killed process and visible to other readers."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def forget_after(self, step: int) -> None:
        """Drop readings taken later than ``step``: a resumed run takes them again."""
        for table in ("scalars", "arrays", "events"):
            self._write(f"DELETE FROM {table} WHERE step > ?", [(step,)])

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self._db.close()

    def names(self) -> tuple[str, ...]:
        """The names of all series of scalars and arrays, sorted."""
        rows = self._db.execute("SELECT DISTINCT name FROM scalars UNION SELECT DISTINCT name FROM arrays ORDER BY 1")
        return tuple(name for (name,) in rows)

    def readings(self, name: str) -> Readings:
        """All readings of one series, by step.

        Arrays of equal shape are stacked along a new first axis; raises KeyError for a name that was never recorded.
        """
        scalars = self._db.execute("SELECT step, value FROM scalars WHERE name = ? ORDER BY step", (name,)).fetchall()
        if scalars:
            steps, values = zip(*scalars, strict=True)
            # SQLite has no NaN: it stores one as NULL.
            return Readings(np.array(steps), np.array([np.nan if v is None else v for v in values]))
        query = "SELECT step, dtype, shape, data FROM arrays WHERE name = ? ORDER BY step"
        rows = self._db.execute(query, (name,)).fetchall()
        if not rows:
            raise KeyError(f"no readings named {name!r}; there are: {', '.join(self.names()) or 'none yet'}")
        stacked = np.stack([np.frombuffer(data, dtype).reshape(json.loads(shape)) for _, dtype, shape, data in rows])
        return Readings(np.array([step for step, *_ in rows]), stacked, self._labels(name))

    def last_scalars(self) -> dict[str, float]:
        """The last value of every series of scalars."""
        # SQLite fills the bare column from the row that holds the maximum.
        rows = self._db.execute("SELECT name, value, MAX(step) FROM scalars GROUP BY name")
        return {name: float("nan") if value is None else value for name, value, _ in rows}

    def events(self, kind: str | None = None) -> list[Event]:
        """What happened, in order; only one kind if given."""
        rows = self._db.execute("SELECT time, step, kind, content FROM events ORDER BY id")
        return [Event(t, step, k, json.loads(content)) for t, step, k, content in rows if kind in (None, k)]

    def _labels(self, name: str) -> tuple[str, ...]:
        row = self._db.execute("SELECT labels FROM labels WHERE name = ?", (name,)).fetchone()
        return tuple(json.loads(row[0])) if row else ()

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if not rows:
            return
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany(statement, rows)


def _close(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.ProgrammingError):  # collected in a thread that is not its own
        connection.close()
