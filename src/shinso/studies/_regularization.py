"""A cure for overfitting at several strengths against none, on few examples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shinso.recipe import SGD, Augment, Recipe, Split
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict
from shinso.studies._picture import COLOURS, band
from shinso.studies._trials import Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Cure:
    """What is tried, in words."""

    claim: str
    source: str
    title: str
    strength: str
    """What the numbers are: share of units dropped, decay of the weights."""
    strengths: tuple[float, ...]
    """The first is what the others are compared with."""

    def __post_init__(self) -> None:
        if len(self.strengths) < 2:
            raise ValueError(
                f"the study compares with the first {self.strength}, so it needs at least two; got {self.strengths}"
            )


def few_examples(data: str, train_share: float, width: int, epochs: int, weight_decay: float, dropout: float) -> Recipe:
    """A perceptron on a share of the examples, tested on the rest, its last state and not a chosen one."""
    return Recipe(
        data=data,
        model="mlp",
        model_options={"width": width},
        dropout=dropout,
        epochs=epochs,
        optimizer=SGD(learning_rate=0.05, weight_decay=weight_decay),
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        split=Split(valid=0.0, test=1 - train_share),
    )


def compared(cure: Cure, recipes: Sequence[Recipe], seeds: int, jobs: int | None) -> Outcome:
    """The outcome of training with one recipe for each strength."""
    results = trained([Trial(recipe) for recipe in recipes], seeds, jobs=jobs)
    losses = [[run.summary.get("test/loss", math.inf) for run in runs] for runs in results]
    accuracies = [[run.accuracy for run in runs] for runs in results]
    rows = [
        (f"{strength:g}", str(mean_interval(loss)), str(mean_difference(loss, losses[0])), mean_interval(hit).percent())
        for strength, loss, hit in zip(cure.strengths, losses, accuracies, strict=True)
    ]
    header = (cure.strength, "test loss", f"test loss against {cure.strengths[0]:g}", "test accuracy, %")
    share = 1 - recipes[0].split.test
    title = f"{recipes[0].data}, {share:.0%} trained on, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=cure.claim,
        source=cure.source,
        tables=[Table(title, header, rows)],
        verdict=verdict(cure, losses),
        draw=partial(_draw, cure, losses),
    )


def verdict(cure: Cure, losses: list[list[float]]) -> Verdict:
    """Whether any strength helps; the more are tried, the surer it has to be (Bonferroni)."""
    confidence = 1 - 0.05 / (len(losses) - 1)
    changes = [mean_difference(values, losses[0], confidence) for values in losses]
    surest = min(range(1, len(losses)), key=lambda index: changes[index].high)
    because = (
        f"{cure.strength} {cure.strengths[surest]:g}, the surest of those tried, changes test loss by "
        f"{changes[surest]} ({confidence:.1%} interval)"
    )
    return Verdict(changes[surest].high < 0, because)


def _draw(cure: Cure, losses: list[list[float]], figure: "Figure") -> None:
    axes = figure.subplots()
    positions = range(len(losses))
    band(axes, positions, [mean_interval(values) for values in losses], "mean", COLOURS[0])
    for position, values in zip(positions, losses, strict=True):
        axes.plot([position] * len(values), values, ".", color=COLOURS[1], ms=4)
    axes.set_xticks(positions, [f"{strength:g}" for strength in cure.strengths])
    axes.set(title=cure.title, xlabel=cure.strength, ylabel="test loss")
