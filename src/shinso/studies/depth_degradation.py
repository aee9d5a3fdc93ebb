"""The degradation of deep plain networks (He et al., 2016, arXiv 1512.03385, figure 6; lectures 001 and 003)."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from shinso._picture import COLOURS, band
from shinso.recipe import SGD, Augment, Recipe
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._trials import Trained, Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_KINDS = ("plain", "resnet")


def depth_degradation(
    *,
    data: str = "digits",
    depths: tuple[int, ...] = (8, 20, 56),
    epochs: int = 12,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """Deeper plain networks have a higher training loss, deeper residual networks do not.

    Training loss is the mean over the last epoch: what degrades is not generalisation but optimisation.

    Args:
        data: Where the images come from, as in shinso train.
        depths: Numbers of layers, each 6n+2, from shallow to deep.
        epochs: Passes over the training examples.
        seeds: Trainings for each kind and depth.
        jobs: Trainings at a time; by default one for each core.
    """
    trials = [Trial(_recipe(data, kind, depth, epochs)) for kind in _KINDS for depth in depths]
    results = trained(trials, seeds, jobs=jobs)
    losses = [[_last_epoch(run, epochs) for run in runs] for runs in results]
    accuracies = [[run.accuracy for run in runs] for runs in results]
    n = len(depths)
    rows = [
        (
            str(depth),
            *(str(mean_interval(losses[k * n + d])) for k in range(2)),
            *(mean_interval(accuracies[k * n + d]).percent() for k in range(2)),
        )
        for d, depth in enumerate(depths)
    ]
    header = ("layers", "training loss, plain", "residual", "test accuracy in %, plain", "residual")
    by_kind = {kind: losses[k * n : (k + 1) * n] for k, kind in enumerate(_KINDS)}
    return Outcome(
        claim=claim_of(depth_degradation),
        source="He et al., 2016, arXiv 1512.03385, section 4.2 and figure 6; lectures 001 and 003",
        tables=[Table(f"{data}, {epochs} epochs, {seeds} seeds, means with 95 % intervals", header, rows)],
        verdict=_verdict(by_kind, depths),
        draw=partial(_draw, by_kind, depths),
    )


def _recipe(data: str, kind: str, depth: int, epochs: int) -> Recipe:
    return Recipe(
        data=data,
        model=kind,
        model_options={"depth": depth},
        epochs=epochs,
        optimizer=SGD(learning_rate=0.1),
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
    )


def _last_epoch(run: Trained, epochs: int) -> float:
    _, values = run.curves["train/loss"]
    return float(np.mean(values[-max(1, len(values) // epochs) :]))


def _verdict(by_kind: dict[str, list[list[float]]], depths: tuple[int, ...]) -> Verdict:
    plain, residual = (mean_difference(losses[-1], losses[0]) for losses in by_kind.values())
    apart = mean_difference(by_kind["plain"][-1], by_kind["resnet"][-1])
    because = (
        f"from {depths[0]} to {depths[-1]} layers training loss changes by {plain} in plain networks and by {residual} "
        f"in residual ones; at {depths[-1]} layers they are {apart} apart"
    )
    return Verdict(plain.low > 0 and apart.low > 0 and residual.mean < plain.low, because)


def _draw(by_kind: dict[str, list[list[float]]], depths: tuple[int, ...], figure: "Figure") -> None:
    axes = figure.subplots()
    names = {"plain": "plain", "resnet": "residual"}
    for (kind, losses), colour in zip(by_kind.items(), (COLOURS[1], COLOURS[0]), strict=True):
        band(axes, depths, [mean_interval(values) for values in losses], names[kind], colour)
    axes.set_xticks(depths)
    axes.set(title="Training loss against depth", xlabel="layers", ylabel="training loss, last epoch", yscale="log")
    axes.legend()
