"""Weight decay against overfitting (Krogh & Hertz, 1991, NIPS 4; lecture 002, weight decay)."""

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


def weight_decay(
    *,
    data: str = "digits",
    decays: tuple[float, ...] = (0.0, 1e-3, 1e-2, 3e-2, 1e-1),
    train_share: float = 0.1,
    width: int = 256,
    epochs: int = 100,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """Weight decay makes a network with more weights than examples generalise better.

    Generalisation is the loss on the test part at the end, which overconfidence raises long before accuracy falls. No
    best state is chosen on the way: that would be a cure of its own.

    Args:
        data: Where the examples come from, as in shinso train.
        decays: Coefficients λ of the weights' decay; the first is what the others are compared with.
        train_share: Share of the examples that is trained on; the rest is tested.
        width: Units of each of the two hidden layers.
        epochs: Passes over the training examples.
        seeds: Trainings for each coefficient.
        jobs: Trainings at a time; by default one for each core.
    """
    trials = [Trial(_recipe(data, decay, train_share, width, epochs)) for decay in decays]
    results = trained(trials, seeds, jobs=jobs)
    losses = [[run.summary.get("test/loss", math.inf) for run in runs] for runs in results]
    accuracies = [[run.accuracy for run in runs] for runs in results]
    rows = [
        (f"{decay:g}", str(mean_interval(loss)), str(mean_difference(loss, losses[0])), mean_interval(right).percent())
        for decay, loss, right in zip(decays, losses, accuracies, strict=True)
    ]
    header = ("decay", "test loss", f"test loss against {decays[0]:g}", "test accuracy, %")
    return Outcome(
        claim=claim_of(weight_decay),
        source="Krogh & Hertz, 1991, NIPS 4; lecture 002, weight decay",
        tables=[Table(f"{data}, {train_share:.0%} trained on, {seeds} seeds, means with 95 % intervals", header, rows)],
        verdict=_verdict(decays, losses),
        draw=partial(_draw, decays, losses),
    )


def _recipe(data: str, decay: float, train_share: float, width: int, epochs: int) -> Recipe:
    return Recipe(
        data=data,
        model="mlp",
        model_options={"width": width},
        epochs=epochs,
        optimizer=SGD(learning_rate=0.05, weight_decay=decay),
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        split=Split(valid=0.0, test=1 - train_share),
    )


def _verdict(decays: tuple[float, ...], losses: list[list[float]]) -> Verdict:
    """Whether any of them helps; the more are tried, the surer it has to be (Bonferroni)."""
    confidence = 1 - 0.05 / (len(decays) - 1)
    changes = [mean_difference(values, losses[0], confidence) for values in losses]
    best = min(range(1, len(decays)), key=lambda index: changes[index].high)
    because = (
        f"the decay {decays[best]:g}, the surest of those tried, changes test loss by {changes[best]} "
        f"({confidence:.1%} interval)"
    )
    return Verdict(changes[best].high < 0, because)


def _draw(decays: tuple[float, ...], losses: list[list[float]], figure: "Figure") -> None:
    axes = figure.subplots()
    positions = range(len(decays))
    band(axes, positions, [mean_interval(values) for values in losses], "mean", COLOURS[0])
    for position, values in zip(positions, losses, strict=True):
        axes.plot([position] * len(values), values, ".", color=COLOURS[1], ms=4)
    axes.set_xticks(positions, [f"{decay:g}" for decay in decays])
    axes.set(title="Weight decay on few examples", xlabel="decay of the weights", ylabel="test loss")
