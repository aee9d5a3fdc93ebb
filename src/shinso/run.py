"""The run: a directory with the recipe, the record of readings, checkpoints and a report."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import FileLock, Timeout
from torch import Tensor, nn

from shinso import checkpoint
from shinso.recipe import Recipe
from shinso.record import Event, Readings, Record

_LEFT_BY_A_KILL = {"run.lock", ".recipe.toml.partial"}
"""What a process leaves that was killed before it had begun."""


class RunError(Exception):
    """A run directory that cannot be used as asked."""


class Run:
    """What happened. Reading it is safe while it is being written; one process writes at a time.

    >>> import tempfile
    >>> run = Run.create(Path(tempfile.mkdtemp()) / "mine", Recipe(epochs=3))
    >>> run.recipe.epochs
    3
    """

    def __init__(self, path: Path, record: Record, lock: FileLock | None = None) -> None:
        self.path = path
        self.record = record
        self._lock = lock

    @classmethod
    def create(cls, path: str | Path, recipe: Recipe | None = None) -> Self:
        """A new run in a directory that is absent or empty, locked for this process."""
        path = Path(path)
        if path.is_dir() and any(entry.name not in _LEFT_BY_A_KILL for entry in path.iterdir()):
            raise RunError(
                f"{path} is not empty: choose another directory, or continue what it holds with --resume {path}"
            )
        lock = _locked(path)
        with writing(path):
            if recipe is not None:
                # Before the record: whoever finds one then also finds how to go on with it.
                _write_whole(path / "recipe.toml", recipe.to_toml())
            return cls(path, Record(path / "run.db"), lock)

    @classmethod
    def open_to_write(cls, path: str | Path) -> Self:
        """The run in this directory, locked for this process; raises RunError when another process is writing it."""
        path = Path(path)
        lock = _locked(path)
        with writing(path):
            return cls(path, Record(path / "run.db"), lock)

    @property
    def recipe(self) -> Recipe:
        """The recipe it was run with."""
        file = self.path / "recipe.toml"
        if not file.is_file():
            raise RunError(f"{self.path} has no recipe.toml: it was not made by shinso.train, or died before it began")
        return Recipe.load(file)

    @property
    def summary(self) -> dict[str, float]:
        """The last value of every scalar, such as ``{"test/accuracy": 0.99, …}``, and the facts of the
        finished training.
        """
        finished = self.record.events("finish")
        return self.record.last_scalars() | (finished[-1].content if finished else {})

    def names(self) -> tuple[str, ...]:
        """The names of all readings."""
        return self.record.names()

    def readings(self, name: str) -> Readings:
        """All readings of that name: steps ``[n]`` and values ``[n, ...]``; raises KeyError for an unknown one."""
        return self.record.readings(name)

    def events(self, kind: str | None = None) -> list[Event]:
        """What happened besides: environment, data, checkpoints, the end."""
        return self.record.events(kind)

    @cached_property
    def checkpoints(self) -> Path:
        """The directory of the checkpoints."""
        return self.path / "checkpoints"

    def weights(self) -> dict[str, Tensor]:
        """The best state of the model, by name, on the CPU; raises RunError before the first checkpoint."""
        while (found := checkpoint.latest(self.checkpoints)) is not None:
            try:
                return found.best_weights()
            except FileNotFoundError:
                # A training that goes on may just have replaced it by a newer one.
                if checkpoint.latest(self.checkpoints) == found:
                    raise
        raise RunError(f"{self.path} has no checkpoint yet")

    def model(self) -> nn.Module:
        """The trained network in its best state, in eval mode, on the CPU.

        Raises RunError when the network was passed from Python and is not known by name.
        """
        from shinso import models

        content = self._content("model")
        if content.get("name") is None:
            raise RunError(
                f"{self.path} was trained on a module passed from Python: build it and load run.weights() into it"
            )
        network = models.build(
            content["name"],
            input_shape=tuple(content["input_shape"]),
            num_classes=content["outputs"],
            **content["options"],
        )
        network.load_state_dict(self.weights())
        return network.eval()

    def normalize(self, inputs: Tensor) -> Tensor:
        """Raw inputs as the network wants them: float, with the mean and deviation of the training part taken out."""
        import torch

        content = self._content("data")
        example = content["input_shape"]
        per = (-1, 1, 1) if len(example) == 3 else example  # statistics are by channel, or by feature
        mean, std = (
            torch.tensor(np.array(content[key], dtype=np.float32), device=inputs.device).view(per)
            for key in ("mean", "std")
        )
        return (inputs.float() - mean) / std

    def let_go(self) -> None:
        """Commit what was recorded and let another process write; this run can still be read."""
        try:
            self.record.commit()
        finally:
            if self._lock is not None:
                self._lock.release()

    def close(self) -> None:
        """Let go, and close the record."""
        self.let_go()
        self.record.close()

    def _content(self, kind: str) -> dict[str, Any]:
        events = self.record.events(kind)
        if not events:
            raise RunError(f"{self.path} does not say what its {kind} was: it died before training began")
        return events[-1].content

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"


def load_run(path: str | Path) -> Run:
    """The run in a directory, to read; it may still be going on."""
    path = Path(path)
    if not (path / "run.db").is_file():
        raise RunError(f"{path} is not a run: it has no run.db")
    return Run(path, Record.open_read_only(path / "run.db"))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what goes wrong in writing to a run's directory into a RunError that says how to go on."""
    try:
        with recording(path):
            yield
    except OSError as error:
        raise _cannot_write(path, error) from error


@contextmanager
def recording(path: Path) -> Iterator[None]:
    """As ``writing``, of the record alone: an OSError inside may come from elsewhere, such as the data."""
    try:
        yield
    except sqlite3.Error as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: Exception) -> RunError:
    return RunError(
        f"cannot write to {path}: {error}. What was written before is kept; make room, then continue with "
        f"shinso train --resume {path}"
    )


def _locked(path: Path) -> FileLock:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the run directory {path}: {error.strerror}") from error
    lock = FileLock(path / "run.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise RunError(
            f"another process is writing to {path}: wait for it, stop it, or use another directory"
        ) from None
    except OSError as error:
        raise RunError(f"cannot write to {path}: {error.strerror}; choose another directory with --to") from error
    return lock


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
