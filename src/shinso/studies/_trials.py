"""Many trainings for one comparison, spread over the processor's cores."""

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from shinso.recipe import Recipe

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
    if seeds < 1:
        raise ValueError(f"a study needs at least one seed; got {seeds}")
    import torch
    from joblib import Parallel, delayed
    from rich.console import Console
    from rich.progress import track

    work = [trial.with_seed(seed) for trial in trials for seed in range(seeds)]
    jobs = min(_free_cores() if jobs is None else jobs, len(work))
    threads = max(1, min(_cores() // jobs, torch.get_num_threads()))
    arriving = Parallel(n_jobs=jobs, return_as="generator")(delayed(_conduct)(trial, threads) for trial in work)
    shown = track(arriving, f"{len(work)} trainings", total=len(work), console=Console(stderr=True), transient=True)
    results = list(shown)
    return [results[start : start + seeds] for start in range(0, len(results), seeds)]


def _conduct(trial: Trial, threads: int) -> Trained:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _trained(trial)
    finally:
        torch.set_num_threads(before)


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


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _free_cores() -> int:
    import torch

    return 1 if torch.cuda.is_available() else _cores()
