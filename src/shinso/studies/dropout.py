"""Dropout against overfitting (Srivastava et al., 2014, JMLR 15; lecture 002, dropout)."""

import math
from functools import partial
from typing import TYPE_CHECKING

from shinso.recipe import SGD, Augment, Recipe, Split
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._picture import COLOURS, band
from shinso.studies._trials import Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def dropout(
    *,
    data: str = "digits",
    ratios: tuple[float, ...] = (0.0, 0.2, 0.5, 0.8),
    train_share: float = 0.1,
    width: int = 512,
    epochs: int = 300,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """Dropping units at random makes a wide network generalise better from few examples.

    Generalisation is the loss on the test part at the end, which overconfidence raises long before accuracy falls. No
    best state is chosen on the way: that would be a cure of its own.

    Args:
        data: Where the examples come from, as in shinso train.
        ratios: Shares of hidden units that are dropped; the first is what the others are compared with.
        train_share: Share of the examples that is trained on; the rest is tested.
        width: Units of each of the two hidden layers.
        epochs: Passes over the training examples; dropout needs two to three times as many (section 10 of the paper).
        seeds: Trainings for each ratio.
        jobs: Trainings at a time; by default one for each core.
    """
    trials = [Trial(_recipe(data, ratio, train_share, width, epochs)) for ratio in ratios]
    results = trained(trials, seeds, jobs=jobs)
    losses = [[run.summary.get("test/loss", math.inf) for run in runs] for runs in results]
    accuracies = [[run.accuracy for run in runs] for runs in results]
    rows = [
        (f"{ratio:g}", str(mean_interval(loss)), str(mean_difference(loss, losses[0])), mean_interval(right).percent())
        for ratio, loss, right in zip(ratios, losses, accuracies, strict=True)
    ]
    header = ("dropped", "test loss", f"test loss against {ratios[0]:g}", "test accuracy, %")
    return Outcome(
        claim=claim_of(dropout),
        source="Srivastava et al., 2014, JMLR 15; lecture 002, dropout",
        tables=[Table(f"{data}, {train_share:.0%} trained on, {seeds} seeds, means with 95 % intervals", header, rows)],
        verdict=_verdict(ratios, losses),
        draw=partial(_draw, ratios, losses),
    )


def _recipe(data: str, ratio: float, train_share: float, width: int, epochs: int) -> Recipe:
    return Recipe(
        data=data,
        model="mlp",
        model_options={"width": width},
        dropout=ratio,
        epochs=epochs,
        optimizer=SGD(learning_rate=0.05, weight_decay=0.0),
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        split=Split(valid=0.0, test=1 - train_share),
    )


def _verdict(ratios: tuple[float, ...], losses: list[list[float]]) -> Verdict:
    """Whether any of them helps; the more are tried, the surer it has to be (Bonferroni)."""
    confidence = 1 - 0.05 / (len(ratios) - 1)
    changes = [mean_difference(values, losses[0], confidence) for values in losses]
    best = min(range(1, len(ratios)), key=lambda index: changes[index].high)
    because = (
        f"dropping {ratios[best]:g}, the surest of those tried, changes test loss by {changes[best]} "
        f"({confidence:.1%} interval)"
    )
    return Verdict(changes[best].high < 0, because)


def _draw(ratios: tuple[float, ...], losses: list[list[float]], figure: "Figure") -> None:
    axes = figure.subplots()
    band(axes, ratios, [mean_interval(values) for values in losses], "mean", COLOURS[0])
    for ratio, values in zip(ratios, losses, strict=True):
        axes.plot([ratio] * len(values), values, ".", color=COLOURS[1], ms=4)
    axes.set(title="Dropout on few examples", xlabel="share of units dropped", ylabel="test loss")
