"""The randomization test: what a network and a recipe can fit when there is nothing, or less, to learn."""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from shinso.data import BadData, DataSet, InMemory, Split
from shinso.lens.generalization import (
    corrupted_labels,
    gaussian_pixels,
    random_labels,
    random_pixels,
    shuffled_pixels,
)
from shinso.recipe import Recipe
from shinso.run import Run, load_run
from shinso.training._journal import TrainingDiverged
from shinso.training._sources import Data, as_data_set
from shinso.training._train import train


@dataclass(frozen=True)
class Corruption:
    """What is done to the data: to the labels of the training part, and to the inputs of both parts."""

    labels: Callable[[Tensor, int, torch.Generator], Tensor] | None = None
    """From labels and the number of classes to labels."""
    inputs: Callable[[Tensor, torch.Generator], Tensor] | None = None
    """Called with generators in the same state for both parts."""


def _half(targets: Tensor, classes: int, generator: torch.Generator) -> Tensor:
    return corrupted_labels(targets, classes, 0.5, generator)


CORRUPTIONS: Mapping[str, Corruption] = {
    "true labels": Corruption(),
    "half of the labels random": Corruption(labels=_half),
    "random labels": Corruption(labels=random_labels),
    "shuffled pixels": Corruption(inputs=shuffled_pixels),
    "random pixels": Corruption(inputs=random_pixels),
    "Gaussian pixels": Corruption(inputs=gaussian_pixels),
}
"""Those of Zhang et al. (2017)."""


def label_corruptions(*shares: float) -> dict[str, Corruption]:
    """Corruptions of labels by share, for the curves over the share of lecture 003 fig. 8 b and c.

    >>> list(label_corruptions(0.0, 0.5))
    ['0 % of the labels random', '50 % of the labels random']
    """
    return {
        f"{100 * share:g} % of the labels random": Corruption(labels=partial(_share_of_labels, share=share))
        for share in shares
    }


def _share_of_labels(targets: Tensor, classes: int, generator: torch.Generator, share: float) -> Tensor:
    return corrupted_labels(targets, classes, share, generator)


@dataclass(frozen=True, eq=False)
class RandomizedTraining:
    """One training of the test. Training figures are in eval mode, on the whole training part, after each epoch."""

    corruption: str
    seed: int
    steps: Int[np.ndarray, " epochs"]
    train_loss: Float[np.ndarray, " epochs"]
    train_accuracy: Float[np.ndarray, " epochs"]
    """Measured against the labels that were trained on."""
    final_accuracy: float
    """On the training part, at the state of lowest training loss; NaN of a training that diverged."""
    test_accuracy: float
    """At that state, against the true labels; NaN of a training that diverged."""
    steps_to_fit: int | None
    """Steps after which the training accuracy first reached ``fitted_at``; None where it never did."""


@dataclass(frozen=True, eq=False)
class RandomizationTest:
    """All trainings of a randomization test; as text, a table of their means over the seeds."""

    trainings: tuple[RandomizedTraining, ...]
    fitted_at: float

    def by_corruption(self) -> dict[str, list[RandomizedTraining]]:
        """The trainings of each corruption, one for each seed."""
        found: dict[str, list[RandomizedTraining]] = {}
        for training in self.trainings:
            found.setdefault(training.corruption, []).append(training)
        return found

    def __str__(self) -> str:
        """Accuracies in percent; steps to fit over those seeds that fitted, with their number if not all did."""
        header = ("corruption", "train accuracy", "test accuracy", "steps to fit")
        rows = [header, *(_row(name, trainings) for name, trainings in self.by_corruption().items())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if not column else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in rows
        )


def randomization_test(
    recipe: Recipe | None = None,
    data: Data = None,
    *,
    build: Callable[[], nn.Module] | None = None,
    corruptions: Mapping[str, Corruption] = CORRUPTIONS,
    seeds: int = 1,
    fitted_at: float = 0.99,
    to: str | Path | None = None,
    progress: bool = True,
) -> RandomizationTest:
    """What the recipe's network fits when labels or pixels are replaced by chance, by corruption and seed.

    Each training is the recipe's on the true test part and a corrupted training part, with three changes: augmentation
    that the recipe leaves open is off (as Zhang et al. have it), examples of a validation part go unused, and the
    state of lowest training loss is tested. ``data`` and the recipe's split are as for ``shinso.train``; ``build``
    makes the network anew for each training, by default the recipe's. The corruption depends on the seed alone. Runs
    are kept under ``to`` if it is given.

    A network that fits random labels can memorise the training part: then its size, its class's Rademacher complexity
    (near 1) or VC dimension cannot explain why it generalises on true labels. How much sooner true labels are fitted
    is what tells. Not fitting random labels says nothing where the recipe is too short or regularises strongly (weight
    decay, dropout, augmentation): give it more epochs first. A diverged training counts as not fitted.

    Raises ValueError for data without classes, iterables of batches, unknown seeds, and what ``shinso.train`` raises
    but TrainingDiverged.

    Source: Zhang et al. 2017, arXiv 1611.03530, §2, fig. 1, table 1; lecture 003 §2.3 fig. 8-9.
    """
    recipe = _without_open_augmentation(recipe or Recipe())
    if seeds < 1 or not corruptions:
        raise ValueError(
            f"the test needs a seed and a corruption; got seeds={seeds} and {len(corruptions)} corruptions"
        )
    if not 0 < fitted_at <= 1:
        raise ValueError(f"fitted_at is a training accuracy above 0 and up to 1; got {fitted_at}")
    trainings = []
    for seed in range(recipe.seed, recipe.seed + seeds):
        seeded = dataclasses.replace(recipe, seed=seed)
        clean = _in_memory(as_data_set(data, seeded))
        for name, corruption in corruptions.items():
            corrupted = _corrupted(clean, corruption, seed)
            directory = tempfile.TemporaryDirectory() if to is None else nullcontext(str(to))
            with directory as where:
                run = _trained(seeded, corrupted, build, Path(where) / f"{name}, seed {seed}", progress)
                trainings.append(_training(name, seed, run, fitted_at))
                run.record.close()
    return RandomizationTest(tuple(trainings), fitted_at)


def _without_open_augmentation(recipe: Recipe) -> Recipe:
    closed = {"crop": 0, "flip": False, "warp": 0.0, "mixup": 0.0}
    left_open = {name: value for name, value in closed.items() if getattr(recipe.augment, name) is None}
    augment = dataclasses.replace(recipe.augment, **left_open)  # type: ignore[arg-type]
    return dataclasses.replace(recipe, augment=augment, patience=None)


def _in_memory(data: DataSet | None) -> DataSet:
    if data is None:
        raise ValueError("an iterable of batches cannot be corrupted: pass arrays, a torch Dataset, or a source's name")
    if data.classes is None:
        raise ValueError(
            f"the randomization test draws labels among classes, but the targets of {data.source} are numbers"
        )
    if not len(data.test):
        raise BadData(f"{data.source} leaves no test examples; give --split.test a share, or pass a test part")
    return dataclasses.replace(data, train=_fetched(data.train), test=_fetched(data.test))


def _fetched(split: Split) -> InMemory:
    return InMemory(*split.fetch(torch.arange(len(split))))


def _corrupted(data: DataSet, corruption: Corruption, seed: int) -> DataSet:
    assert data.classes is not None
    (inputs, targets), (test_inputs, test_targets) = (
        part.fetch(torch.arange(len(part))) for part in (data.train, data.test)
    )
    if corruption.labels is not None:
        targets = corruption.labels(targets, len(data.classes), torch.Generator().manual_seed(seed))
    if corruption.inputs is not None:
        inputs, test_inputs = (
            corruption.inputs(values, torch.Generator().manual_seed(seed)) for values in (inputs, test_inputs)
        )
    part = InMemory(inputs, targets)
    # The loop tests the validation part after each epoch: given the training part, it measures training accuracy.
    return dataclasses.replace(data, train=part, valid=part, test=InMemory(test_inputs, test_targets))


def _trained(recipe: Recipe, data: DataSet, build: Callable[[], nn.Module] | None, path: Path, progress: bool) -> Run:
    network = None
    if build is not None:
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            network = build()
    try:
        return train(network, data, recipe, lenses=(), to=path, progress=progress)
    except TrainingDiverged:
        return load_run(path)


def _training(name: str, seed: int, run: Run, fitted_at: float) -> RandomizedTraining:
    summary, names = run.summary, run.names()
    steps, loss, accuracy = (np.zeros(0, dtype=kind) for kind in (np.int64, np.float64, np.float64))
    if "valid/accuracy" in names:
        steps, loss = run.readings("valid/loss")[:2]
        accuracy = run.readings("valid/accuracy").values
    fitted = np.flatnonzero(accuracy >= fitted_at)
    finished = "test/accuracy" in summary
    return RandomizedTraining(
        name,
        seed,
        steps,
        loss,
        accuracy,
        float(accuracy[np.nanargmin(loss)]) if finished else float("nan"),
        summary["test/accuracy"] if finished else float("nan"),
        int(steps[fitted[0]]) if fitted.size else None,
    )


def _row(name: str, trainings: list[RandomizedTraining]) -> tuple[str, ...]:
    accuracies = (
        f"{100 * np.mean([getattr(training, which) for training in trainings]):.1f}"
        for which in ("final_accuracy", "test_accuracy")
    )
    fits = [training.steps_to_fit for training in trainings if training.steps_to_fit is not None]
    some = f" ({len(fits)} of {len(trainings)})" if fits and len(fits) < len(trainings) else ""
    return name, *accuracies, f"{np.mean(fits):.0f}{some}" if fits else "never"
