"""A cure for overfitting at several strengths against none, on few examples."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from shinso._picture import COLOURS, band
from shinso.recipe import SGD, Augment, Recipe, Split
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict
from shinso.studies._trials import Trained, Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Measure(NamedTuple):
    """What generalisation is judged by; less is better."""

    name: str
    of: Callable[[Trained], float]


TEST_LOSS = Measure("test loss", lambda run: run.summary.get("test/loss", math.inf))
"""Overconfidence raises it long before accuracy falls."""
TEST_ERROR = Measure("test error, %", lambda run: 100 * (1 - run.accuracy))


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
    measure: Measure

    def __post_init__(self) -> None:
        if len(self.strengths) < 2:
            raise ValueError(
                f"the study compares with the first {self.strength}, so it needs at least two; got {self.strengths}"
            )


def few_examples(data: str, target: str | None, train_share: float, width: int, epochs: int) -> Recipe:
    """A perceptron on a share of the examples, tested on the rest, its last state and not a chosen one."""
    return Recipe(
        data=data,
        target=target,
        model="mlp",
        model_options={"width": width},
        epochs=epochs,
        optimizer=SGD(learning_rate=0.05, weight_decay=0.0),
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        split=Split(valid=0.0, test=1 - train_share),
    )


def compared(cure: Cure, recipes: Sequence[Recipe], seeds: int, jobs: int | None) -> Outcome:
    """The outcome of training with one recipe for each strength."""
    results = trained([Trial(recipe) for recipe in recipes], seeds, jobs=jobs)
    values = [[cure.measure.of(run) for run in runs] for runs in results]
    rows = [
        (
            f"{strength:g}",
            str(mean_interval([TEST_LOSS.of(run) for run in runs])),
            str(mean_interval([TEST_ERROR.of(run) for run in runs])),
            str(mean_difference(measured, values[0])),
        )
        for strength, runs, measured in zip(cure.strengths, results, values, strict=True)
    ]
    against = f"{cure.measure.name} against {cure.strengths[0]:g}"
    header = (cure.strength, TEST_LOSS.name, TEST_ERROR.name, against)
    share = 1 - recipes[0].split.test
    title = f"{recipes[0].data}, {share:.0%} trained on, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=cure.claim,
        source=cure.source,
        tables=[Table(title, header, rows)],
        verdict=verdict(cure, values),
        draw=partial(_draw, cure, values),
    )


def verdict(cure: Cure, values: list[list[float]]) -> Verdict:
    """Whether any strength helps; the more are tried, the surer it has to be (Bonferroni)."""
    confidence = 1 - 0.05 / (len(values) - 1)
    changes = [mean_difference(each, values[0], confidence) for each in values]
    surest = min(range(1, len(values)), key=lambda index: changes[index].high)
    because = (
        f"{cure.strength} {cure.strengths[surest]:g}, the surest of those tried, changes {cure.measure.name} by "
        f"{changes[surest]} ({confidence:.1%} interval)"
    )
    return Verdict(changes[surest].high < 0, because)


def _draw(cure: Cure, values: list[list[float]], figure: "Figure") -> None:
    axes = figure.subplots()
    positions = range(len(values))
    band(axes, positions, [mean_interval(each) for each in values], "mean", COLOURS[0])
    for position, each in zip(positions, values, strict=True):
        axes.plot([position] * len(each), each, ".", color=COLOURS[1], ms=4)
    axes.set_xticks(positions, [f"{strength:g}" for strength in cure.strengths])
    axes.set(title=cure.title, xlabel=cure.strength, ylabel=cure.measure.name)
