"""Many trainings for one comparison, spread over the processor's cores."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from shinso.recipe import Recipe
from shinso.studies._side_by_side import side_by_side

Network = Callable[..., nn.Module]
"""Called with the number of classes and the shape of an example."""


@dataclass(frozen=True)
class Trial:
    """One training. ``network`` is a function that can be pickled, where the recipe's name does not say all."""

    recipe: Recipe
    network: Network | None = None

    def with_seed(self, seed: int) -> "Trial":
        """The same with another division of the data, other initial weights and another order."""
        return replace(self, recipe=replace(self.recipe, seed=seed))


@dataclass(frozen=True)
class Trained:
    """What a training left: its summary, and the steps and values of every scalar."""

    summary: dict[str, float]
    curves: dict[str, tuple[np.ndarray, np.ndarray]]

    @property
    def accuracy(self) -> float:
        """On the test part; 0 of a training that diverged, which classifies nothing."""
        return self.summary.get("test/accuracy", 0.0)


def trained(trials: Sequence[Trial], seeds: int, *, jobs: int | None = None) -> list[list[Trained]]:
    """For each trial what came out with the seeds 0, 1, … (``[trial][seed]``), progress shown on stderr.

    ``jobs`` trainings run at a time; by default as many as there are cores, or one on a GPU. Raises ValueError for no
    seeds, and what ``shinso.train`` raises but TrainingDiverged, which is an outcome here.
    """
    return side_by_side(_with_seed, trials, seeds, jobs=jobs)


def _with_seed(trial: Trial, seed: int) -> Trained:
    return _trained(trial.with_seed(seed))


def _trained(trial: Trial) -> Trained:
    import torch

    import shinso
    from shinso.training import TrainingDiverged, load_data

    data, network = load_data(trial.recipe), None
    if data.classes is None:
        raise ValueError(f"a study needs classes to tell apart, but the targets of {trial.recipe.data} are numbers")
    if trial.network is not None:
        torch.manual_seed(trial.recipe.seed)
        network = trial.network(num_classes=len(data.classes), input_shape=data.input_shape)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "run"
        with suppress(TrainingDiverged):
            shinso.train(network, data, trial.recipe, lenses=(), to=path, progress=False)
        return _left(shinso.load_run(path))


def _left(run: Any) -> Trained:
    curves = {name: run.readings(name) for name in run.names()}
    return Trained(run.summary, {name: (r.steps, r.values) for name, r in curves.items() if r.values.ndim == 1})
