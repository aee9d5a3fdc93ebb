"""Trainings that lenses look into, spread over the processor's cores."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from shinso.lens import Lens
from shinso.record import Readings, Record
from shinso.studies._side_by_side import side_by_side
from shinso.studies._trials import Trial


@dataclass(frozen=True)
class Watched:
    """What a training left: its summary, and all readings by name, those of the lenses among them."""

    summary: dict[str, float]
    readings: dict[str, Readings]

    @property
    def mean_loss(self) -> float:
        """Of all batches; one that is not finite, at which a training ends, counts as the greatest before it."""
        losses = self.readings["train/loss"].values
        finite = losses[np.isfinite(losses)]
        return float(np.where(np.isfinite(losses), losses, finite.max()).mean())

    def while_learning(self, name: str) -> np.ndarray:
        """The readings while the batch's loss was between 90 % and 10 % of the first; all where it never was."""
        steps, values, _ = self.readings[name]
        at, losses, _ = self.readings["train/loss"]
        share = np.interp(steps, at, losses) / losses[0]
        learning = (share > 0.1) & (share < 0.9)
        return values[learning] if learning.any() else values

    def record(self, prefix: str) -> Record:
        """The numbers by step whose names begin so, as the lenses' drawing functions take them."""
        record = Record()
        for name, (steps, values, _) in self.readings.items():
            if name.startswith(prefix):
                record.series(name, steps.tolist(), values.tolist())
        return record


def watched(
    trials: Sequence[Trial], lenses: Sequence[Lens], seeds: int, *, jobs: int | None = None
) -> list[list[Watched]]:
    """For each trial what the lenses read with the seeds 0, 1, … (``[trial][seed]``), as often as its recipe says.

    A training that diverges leaves what was read until then. Raises ValueError for no seeds, and what ``shinso.train``
    raises but TrainingDiverged.
    """
    return side_by_side(partial(_conduct, tuple(lenses)), trials, seeds, jobs=jobs)


def _conduct(lenses: tuple[Lens, ...], trial: Trial, seed: int) -> Watched:
    import torch

    import shinso
    from shinso.training import TrainingDiverged, load_data

    recipe, network = trial.with_seed(seed).recipe, None
    data = load_data(recipe)
    if data.classes is None:
        raise ValueError(f"a study needs classes to tell apart, but the targets of {recipe.data} are numbers")
    if trial.network is not None:
        torch.manual_seed(seed)
        network = trial.network(num_classes=len(data.classes), input_shape=data.input_shape)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run"
        with suppress(TrainingDiverged):
            shinso.train(network, data, recipe, lenses=lenses, to=path, progress=False)
        run = shinso.load_run(path)
        return Watched(run.summary, {name: run.readings(name) for name in run.names()})
