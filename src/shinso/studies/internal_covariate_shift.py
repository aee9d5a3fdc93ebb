"""Batch normalization and internal covariate shift (Santurkar et al., 2018, arXiv 1805.11604; lecture 000)."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import nn

from shinso._picture import COLOURS, band
from shinso.lens.covariate_shift import GradientShift
from shinso.recipe import SGD, Augment, Constant, Recipe
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._ratio import mean_ratio
from shinso.studies._trials import Trial
from shinso.studies._watched import Watched, watched

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINEAR, _VGG = "deep linear", "VGG"
_LAYERS = {
    _LINEAR: ("linear5", "linear10", "linear15", "linear20", "linear25"),
    _VGG: ("stage1.conv2", "stage2.conv2", "stage3.conv2", "classifier.linear1", "classifier.linear3"),
}
_WHOLE = 10**6
"""More examples than a training part has: every step is on all of them."""


def internal_covariate_shift(
    *,
    data: str = "digits",
    learning_rate: float = 0.1,
    linear_learning_rate: float = 0.003,
    epochs: int = 15,
    linear_steps: int = 300,
    every: int = 5,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """Batch normalization makes training faster, yet internal covariate shift is larger with it, not smaller.

    Internal covariate shift as the paper defines it: how far the gradient of a layer changes when the layers below it
    have made their step, ‖G − G′‖, and the cosine between the two. A network of 25 linear layers is trained by
    descent on all examples at once, a VGG network by batches; each with and without normalization at the same learning
    rate; some layers of each are read. It holds if for both networks, with 95 % intervals over paired trainings: the
    training loss, as a mean over all steps, is smaller with normalization; the cosine, as a mean over steps and layers,
    is smaller; and ‖G − G′‖, as a geometric mean, is not surely smaller.

    What stands still shifts nothing ("an artifact of faster convergence", says the paper of the end of training). So
    the gradients are judged while a network learns: at the steps at which the loss of the batch is between 90 % and
    10 % of what it was at first (at all steps where it never is).

    Args:
        data: Where the images come from, as in shinso train; at least 8×8 pixels, or 32×32 for the full size.
        learning_rate: Of the VGG networks, constant.
        linear_learning_rate: Of the linear networks, constant.
        epochs: Passes of the VGG networks over the training examples.
        linear_steps: Steps of the linear networks.
        every: Steps between two readings.
        seeds: Trainings of each network.
        jobs: Trainings at a time; by default one for each core.
        full: VGG-16 as published instead of a small one; for a GPU, with CIFAR-10 as data.
    """
    runs: dict[str, _Pair] = {}
    for kind, trials in _trials(data, learning_rate, linear_learning_rate, epochs, linear_steps, every, full).items():
        runs[kind] = _Pair(*watched(trials, [GradientShift(_LAYERS[kind])], seeds, jobs=jobs))
    measured = {kind: _Measured(*map(_measures, pair)) for kind, pair in runs.items()}
    title = f"{data}, learning rates {linear_learning_rate:g} and {learning_rate:g}, {seeds} seeds, 95 % intervals"
    return Outcome(
        claim=claim_of(internal_covariate_shift),
        source="Santurkar et al., 2018, arXiv 1805.11604, definition 2.1 and figure 3; lecture 000",
        tables=[_table(measured, title)],
        verdict=_verdict(measured),
        draw=partial(_draw, runs),
    )


class _Pair(NamedTuple):
    with_norm: list[Watched]
    without: list[Watched]


class _Measures(NamedTuple):
    """One number for each training."""

    loss: list[float]
    cosine: list[float]
    distance: list[float]
    accuracy: list[float]


class _Measured(NamedTuple):
    with_norm: _Measures
    without: _Measures


def linear_network(*, num_classes: int, input_shape: tuple[int, ...], batch_norm: bool) -> nn.Sequential:
    """The 25 linear layers of the paper."""
    from shinso.models import deep_linear

    return deep_linear(in_features=math.prod(input_shape), out_features=num_classes, batch_norm=batch_norm)


def _trials(
    data: str, rate: float, linear_rate: float, epochs: int, linear_steps: int, every: int, full: bool
) -> dict[str, list[Trial]]:
    """For each kind the one with normalization and the one without."""
    linear = _recipe(data, linear_rate, linear_steps, _WHOLE, every)
    vgg = _recipe(data, rate, epochs, 128 if full else 64, every)
    names = ("vgg16_bn", "vgg16") if full else ("vgg_small", "vgg_small")
    return {
        _LINEAR: [Trial(linear, partial(linear_network, batch_norm=flag)) for flag in (True, False)],
        _VGG: [
            Trial(replace(vgg, model=name, model_options={} if full else {"batch_norm": flag}))
            for name, flag in zip(names, (True, False), strict=True)
        ],
    }


def _recipe(data: str, rate: float, epochs: int, batch_size: int, every: int) -> Recipe:
    return Recipe(
        data=data,
        optimizer=SGD(learning_rate=rate, momentum=0.0, nesterov=False, weight_decay=0.0),
        schedule=Constant(),
        epochs=epochs,
        batch_size=batch_size,
        clip_norm=math.inf,
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        lens_every=every,
    )


def _measures(runs: list[Watched]) -> _Measures:
    def distance(run: Watched) -> float:
        values = run.while_learning("gradient_shift/distance")
        return float(np.exp(np.nanmean(np.log(np.maximum(values, 1e-30)))))

    return _Measures(
        [run.mean_loss for run in runs],
        [float(np.nanmean(run.while_learning("gradient_shift/cosine"))) for run in runs],
        [distance(run) for run in runs],
        [run.summary.get("test/accuracy", 0.0) for run in runs],
    )


def _table(measured: Mapping[str, _Measured], title: str) -> Table:
    rows = []
    for kind, networks in measured.items():
        for name, one in zip(("batch", "none"), networks, strict=True):
            numbers = (str(mean_interval(values)) for values in (one.loss, one.cosine, one.distance))
            rows.append((kind, name, *numbers, mean_interval(one.accuracy).percent()))
    header = ("network", "normalization", "training loss, all steps", "cos(G, G′)", "‖G − G′‖", "test accuracy, %")
    return Table(title, header, rows)


def _verdict(measured: Mapping[str, _Measured]) -> Verdict:
    holds, because = True, []
    for kind, (with_norm, without) in measured.items():
        loss = mean_difference(with_norm.loss, without.loss)
        cosine = mean_difference(with_norm.cosine, without.cosine)
        distance = mean_ratio(with_norm.distance, without.distance)
        holds &= loss.high < 0 and cosine.high < 0 and distance.high >= 1
        because.append(f"{kind}: training loss {loss}, cos(G, G′) {cosine}, ‖G − G′‖ {distance} times as large")
    return Verdict(holds, "with normalization against without, " + "; ".join(because))


def _draw(runs: Mapping[str, _Pair], figure: "Figure") -> None:
    panels = figure.subplots(2, len(runs), sharex="col", squeeze=False)
    for column, (kind, pair) in enumerate(runs.items()):
        for name, trainings, colour in zip(("with normalization", "without"), pair, COLOURS, strict=False):
            _curve(panels[0, column], trainings, "train/loss", name, colour)
            _curve(panels[1, column], trainings, "gradient_shift/cosine", name, colour)
        panels[0, column].set(title=f"{kind}: training loss", yscale="log")
        panels[1, column].set(title="cos(G, G′), mean of layers; 1: no shift", xlabel="step", ylim=(-0.3, 1.05))
    panels[0, 0].legend()


def _curve(axes: "Axes", runs: list[Watched], name: str, label: str, colour: str) -> None:
    """The mean over trainings with its interval, at some of the steps that all reached."""
    length = min(len(run.readings[name].steps) for run in runs)
    steps = runs[0].readings[name].steps[:length]
    by_run = [np.nanmean(run.readings[name].values[:length].reshape(length, -1), axis=1) for run in runs]
    shown = slice(None, None, -(-length // 40))  # more marks than that hide each other
    intervals = [mean_interval(values) for values in np.stack(by_run, axis=1)[shown].tolist()]
    band(axes, steps[shown].tolist(), intervals, label, colour)
