"""The noise of descent by batches (Smith & Le, 2018, arXiv 1710.06451, figures 5 to 7; lecture 003, section 2.4)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shinso._picture import COLOURS, QUIET, band
from shinso.studies._interval import Interval, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class _Setting:
    data: str
    target: str | None
    train_share: float
    width: int
    steps: int
    learning_rate: float
    batch_size: int


@dataclass(frozen=True)
class _Measured:
    train_size: int
    accuracies: Sequence[Sequence[Sequence[float]]]
    """By learning rate, batch size and seed."""


def noise_scale(
    *,
    data: str = "digits",
    target: str | None = None,
    train_share: float = 0.2,
    learning_rates: tuple[float, ...] = (0.01, 0.04, 0.16, 0.64),
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256),
    width: int = 128,
    steps: int = 1500,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """The batch size of the best test accuracy is proportional to the learning rate, as g = ε(N/B - 1) has it.

    Every network takes the same number of steps of plain descent. For each learning rate and seed the best batch is the
    one of highest test accuracy (of several, their geometric mean). It holds if a line through log(best batch) over
    log(learning rate) has a slope whose 95 % interval over seeds is above 0 and contains 1; only rates whose best batch
    lies inside the range that was tried are counted, of which there have to be two. On easy data the optimum is flat,
    and the line says little; look at the picture, too: the claim is that errors fall on one curve over g.

    Args:
        data: Where the examples come from, as in shinso train.
        target: Column to predict, where the data are a table.
        train_share: Share of the examples that is trained on; the rest is tested.
        learning_rates: From small to large.
        batch_sizes: From small to large.
        width: Units of the hidden layer.
        steps: Steps of descent, the same for all.
        seeds: Trainings for each rate and batch size.
        jobs: Trainings at a time; by default one for each core.
        full: 800 units and 10 000 steps, as published.
    """
    if len(learning_rates) < 2 or len(batch_sizes) < 3:
        raise ValueError(
            f"a slope needs at least two learning rates and three batch sizes; got {learning_rates} and {batch_sizes}"
        )
    if full:
        width, steps = 800, 10_000
    settings = [
        _Setting(data, target, train_share, width, steps, rate, size) for rate in learning_rates for size in batch_sizes
    ]
    found = side_by_side(_accuracy, settings, seeds, jobs=jobs)
    n = len(batch_sizes)
    by_rate = [[[run[1] for run in runs] for runs in found[k * n : (k + 1) * n]] for k in range(len(learning_rates))]
    measured = _Measured(found[0][0][0], by_rate)
    return Outcome(
        claim=claim_of(noise_scale),
        source="Smith & Le, 2018, arXiv 1710.06451, figures 5 to 7; lecture 003, section 2.4, equation 48, figure 12",
        tables=_tables(data, learning_rates, batch_sizes, measured),
        verdict=_verdict(learning_rates, batch_sizes, measured.accuracies),
        draw=partial(_draw, learning_rates, batch_sizes, measured),
    )


def _accuracy(setting: _Setting, seed: int) -> tuple[int, float]:
    """The number of training examples, and the accuracy on the others after the last step."""
    import torch

    from shinso.studies._descent import descend, seeded_mlp
    from shinso.studies._examples import examples

    part = examples(setting.data, setting.target, seed, train_share=setting.train_share)
    network = seeded_mlp(part.features, part.classes, setting.width, 1, seed)
    path = descend(
        network,
        part.inputs,
        part.targets,
        learning_rate=setting.learning_rate,
        batch_size=setting.batch_size,
        seed=seed,
    )
    for step in path:
        if step == setting.steps:
            break
    with torch.no_grad():
        right = network(part.test_inputs).argmax(1) == part.test_targets
    return len(part.targets), right.float().mean().item()


def best_batches(batch_sizes: Sequence[int], accuracies: Sequence[Sequence[float]]) -> list[float]:
    """For each seed the batch size of the highest accuracy (``[batch][seed]``); of several, their geometric mean."""
    best = []
    for values in zip(*accuracies, strict=True):
        tied = [math.log(size) for size, value in zip(batch_sizes, values, strict=True) if value == max(values)]
        best.append(math.exp(sum(tied) / len(tied)))
    return best


def _inside(batch_sizes: Sequence[int], best: Sequence[float]) -> bool:
    """Whether the typical best batch is neither the smallest nor the largest that was tried."""
    typical = math.exp(sum(map(math.log, best)) / len(best))
    return math.sqrt(batch_sizes[0] * batch_sizes[1]) < typical < math.sqrt(batch_sizes[-2] * batch_sizes[-1])


def _slope(rates: Sequence[float], best: Sequence[Sequence[float]]) -> Interval:
    """Of log(best batch) over log(learning rate), a line for each seed."""
    x = [math.log(rate) for rate in rates]
    middle = sum(x) / len(x)
    weights = [value - middle for value in x]
    squares = sum(weight**2 for weight in weights)
    lines = zip(*best, strict=True)
    return mean_interval([sum(w * math.log(b) for w, b in zip(weights, line, strict=True)) / squares for line in lines])


def _verdict(
    rates: Sequence[float], batch_sizes: Sequence[int], accuracies: Sequence[Sequence[Sequence[float]]]
) -> Verdict:
    best = [best_batches(batch_sizes, each) for each in accuracies]
    counted = [place for place, each in enumerate(best) if _inside(batch_sizes, each)]
    if len(counted) < 2:
        return Verdict(False, f"of {len(rates)} learning rates {len(counted)} have their best batch inside the range")
    slope = _slope([rates[place] for place in counted], [best[place] for place in counted])
    because = (
        f"over {len(counted)} learning rates from {rates[counted[0]]:g} to {rates[counted[-1]]:g} the best batch goes "
        f"with the rate to the power {slope}, where 1 is proportional"
    )
    return Verdict(slope.low > 0 and slope.low <= 1 <= slope.high, because)


def _tables(data: str, rates: Sequence[float], sizes: Sequence[int], measured: _Measured) -> list[Table]:
    from shinso.lens.per_sample import sgd_noise_scale

    seeds = len(measured.accuracies[0][0])
    accuracy = [
        (str(size), *(mean_interval(each[place]).percent() for each in measured.accuracies))
        for place, size in enumerate(sizes)
    ]
    rows = []
    for rate, each in zip(rates, measured.accuracies, strict=True):
        best = best_batches(sizes, each)
        noise = [sgd_noise_scale(rate, measured.train_size, round(size)) for size in best]
        typical = mean_interval([math.log(size) for size in best])
        rows.append((f"{rate:g}", _exponential(typical), str(mean_interval(noise))))
    title = f"{data}, {measured.train_size} training examples, {seeds} seeds, means with 95 % intervals"
    header = ("batch size", *(f"rate {rate:g}" for rate in rates))
    return [
        Table(f"Test accuracy in %: {title}", header, accuracy),
        Table("Best batch (geometric mean) and its noise", ("learning rate", "best batch", "g = ε(N/B - 1)"), rows),
    ]


def _exponential(log: Interval) -> str:
    return str(Interval(math.exp(log.mean), math.exp(log.low), math.exp(log.high) if log.high < 700 else math.inf))


def _draw(rates: Sequence[float], sizes: Sequence[int], measured: _Measured, figure: "Figure") -> None:
    from shinso.lens.per_sample import sgd_noise_scale

    figure.set_size_inches(13, 4.5)
    by_batch, by_noise, best = figure.subplots(1, 3)
    for rate, each, colour in zip(rates, measured.accuracies, COLOURS, strict=False):
        errors = [mean_interval([100 * (1 - value) for value in values]) for values in each]
        band(by_batch, sizes, errors, f"{rate:g}", colour)
        smaller = [place for place, size in enumerate(sizes) if size < measured.train_size]
        noise = [sgd_noise_scale(rate, measured.train_size, sizes[place]) for place in smaller]
        band(by_noise, noise, [errors[place] for place in smaller], f"{rate:g}", colour)
    by_batch.set(xlabel="examples in a batch", title="Against the batch size")
    by_noise.set(xlabel="noise scale g = ε(N/B - 1)", title="Against the noise")
    for axes in (by_batch, by_noise):
        axes.set(xscale="log", yscale="log", ylabel="test error, %")
    by_batch.legend(title="learning rate")
    _draw_best(best, rates, [best_batches(sizes, each) for each in measured.accuracies])


def _draw_best(axes: "Axes", rates: Sequence[float], best: list[list[float]]) -> None:
    logs = [mean_interval([math.log(size) for size in each]) for each in best]
    for rate, each, colour in zip(rates, best, COLOURS, strict=False):
        axes.plot([rate] * len(each), each, ".", color=colour, ms=4)
    centre = math.exp(sum(log.mean for log in logs) / len(logs) - sum(map(math.log, rates)) / len(rates))
    axes.plot(rates, [math.exp(log.mean) for log in logs], "o-", color=COLOURS[0], label="geometric mean over seeds")
    axes.plot(rates, [centre * rate for rate in rates], "--", color=QUIET, label="proportional to the rate")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="best batch", title="The best batch")
    axes.legend()
