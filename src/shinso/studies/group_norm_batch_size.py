"""Group normalization and the size of the batch (Wu & He, 2018, arXiv 1803.08494, figure 1; lecture 002)."""

from functools import partial
from typing import TYPE_CHECKING

from shinso._picture import COLOURS, band
from shinso.recipe import SGD, Recipe
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._trials import Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NORMS = ("batch", "group")


def group_norm_batch_size(
    *,
    data: str = "digits",
    batch_sizes: tuple[int, ...] = (2, 4, 8, 32),
    depth: int = 14,
    epochs: int = 8,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """Small batches cost a network with batch normalization accuracy, and one with group normalization less.

    A residual network is trained with each at each batch size, the learning rate in proportion to it.

    Args:
        data: Where the images come from, as in shinso train.
        batch_sizes: From the smallest to the largest.
        depth: Of the residual network, 6n+2.
        epochs: Passes over the training examples, the same for all.
        seeds: Trainings for each normalization and batch size.
        jobs: Trainings at a time; by default one for each core.
    """
    trials = [Trial(_recipe(data, norm, size, depth, epochs)) for norm in _NORMS for size in batch_sizes]
    results = trained(trials, seeds, jobs=jobs)
    accuracies = [[run.accuracy for run in runs] for runs in results]
    by_norm = {norm: accuracies[n * len(batch_sizes) : (n + 1) * len(batch_sizes)] for n, norm in enumerate(_NORMS)}
    rows = [
        (str(size), *(mean_interval(by_norm[norm][n]).percent() for norm in _NORMS))
        for n, size in enumerate(batch_sizes)
    ]
    title = f"Test accuracy on {data} in %, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=claim_of(group_norm_batch_size),
        source="Wu & He, 2018, arXiv 1803.08494, figure 1; lecture 002, figures 2 and 5",
        tables=[Table(title, ("batch size", "batch normalization", "group normalization"), rows)],
        verdict=_verdict(by_norm, batch_sizes),
        draw=partial(_draw, by_norm, batch_sizes),
    )


def _recipe(data: str, norm: str, batch_size: int, depth: int, epochs: int) -> Recipe:
    return Recipe(
        data=data,
        model="resnet",
        model_options={"depth": depth, "normalization": norm},
        batch_size=batch_size,
        epochs=epochs,
        optimizer=SGD(learning_rate=0.1 * batch_size / 64),
    )


def _verdict(by_norm: dict[str, list[list[float]]], sizes: tuple[int, ...]) -> Verdict:
    lost = {norm: [b - a for a, b in zip(runs[0], runs[-1], strict=True)] for norm, runs in by_norm.items()}
    batch, group = (mean_interval(lost[norm]) for norm in _NORMS)
    more = mean_difference(lost["batch"], lost["group"])
    because = (
        f"from {sizes[-1]} to {sizes[0]} examples batch normalization loses {batch.percent()} points, group "
        f"normalization {group.percent()}, a difference of {more.percent()}"
    )
    return Verdict(batch.low > 0 and more.low > 0, because)


def _draw(by_norm: dict[str, list[list[float]]], sizes: tuple[int, ...], figure: "Figure") -> None:
    axes = figure.subplots()
    for (norm, runs), colour in zip(by_norm.items(), COLOURS, strict=False):
        band(axes, sizes, [mean_interval([100 * (1 - value) for value in values]) for values in runs], norm, colour)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.set(title="Error against batch size", xlabel="examples in a batch", ylabel="test error, %")
    axes.legend(title="normalization")
