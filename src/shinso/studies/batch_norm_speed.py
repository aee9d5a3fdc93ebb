"""Batch normalization and the speed of training (Ioffe & Szegedy, 2015, arXiv 1502.03167; lectures 000 to 002)."""

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from shinso._picture import COLOURS
from shinso.recipe import SGD, Augment, Constant, Recipe
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._trials import Trained, Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}


def batch_norm_speed(
    *,
    data: str = "digits",
    accuracy: float = 0.95,
    learning_rates: tuple[float, ...] = (0.01, 0.1, 1.0, 5.0),
    epochs: int = 40,
    batch_size: int = 60,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """With batch normalization a network reaches an accuracy in fewer steps, saturating sigmoids included.

    The network is that of the paper's section 4.1: three hidden layers of 100 units, once with sigmoids and once with
    rectifiers, trained with and without normalization by plain gradient descent.

    Args:
        data: Where the examples come from, as in shinso train.
        accuracy: What has to be reached on the validation part.
        learning_rates: Each is tried for each network; the best of each is compared.
        epochs: Passes over the training examples until a network counts as not having reached it.
        batch_size: Examples of a step.
        seeds: Trainings for each network and learning rate.
        jobs: Trainings at a time; by default one for each core.
    """
    kinds = [(activation, normalized) for activation in _ACTIVATIONS for normalized in (False, True)]
    trials = [
        Trial(
            _recipe(data, rate, epochs, batch_size), partial(perceptron, activation=activation, normalized=normalized)
        )
        for activation, normalized in kinds
        for rate in learning_rates
    ]
    results = trained(trials, seeds, jobs=jobs)
    steps = [[_steps_to(run, accuracy) for run in runs] for runs in results]
    by_kind = {kind: steps[n * len(learning_rates) : (n + 1) * len(learning_rates)] for n, kind in enumerate(kinds)}
    limit = max(run.summary["steps"] for runs in results for run in runs if "steps" in run.summary)
    return Outcome(
        claim=claim_of(batch_norm_speed),
        source="Ioffe & Szegedy, 2015, arXiv 1502.03167, section 4.1; lectures 000, 001 and 002",
        tables=[_table(by_kind, learning_rates, f"Steps to {accuracy:.0%} on {data}, {seeds} seeds")],
        verdict=_verdict(by_kind, limit),
        draw=partial(_draw, by_kind, learning_rates, accuracy),
    )


def perceptron(*, num_classes: int, input_shape: tuple[int, ...], activation: str, normalized: bool) -> nn.Sequential:
    """Three hidden layers of 100 units, Xavier's initial weights; normalization goes before the activation."""
    sizes = [math.prod(input_shape), 100, 100, 100]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(sizes):
        layers.append(nn.Linear(inputs, outputs, bias=not normalized))
        if normalized:
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(_ACTIVATIONS[activation]())
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], num_classes))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def _recipe(data: str, learning_rate: float, epochs: int, batch_size: int) -> Recipe:
    return Recipe(
        data=data,
        optimizer=SGD(learning_rate=learning_rate, momentum=0.0, nesterov=False, weight_decay=0.0),
        schedule=Constant(),
        epochs=epochs,
        batch_size=batch_size,
        clip_norm=math.inf,
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
    )


def _steps_to(run: Trained, accuracy: float) -> float:
    """The first step at which validation was that good; inf if none was."""
    steps, values = run.curves.get("valid/accuracy", (np.array([]), np.array([])))
    return next((float(step) for step, value in zip(steps, values, strict=True) if value >= accuracy), math.inf)


_Steps = dict[tuple[str, bool], list[list[float]]]


def _table(by_kind: _Steps, rates: tuple[float, ...], title: str) -> Table:
    rows = [
        (activation, "batch" if normalized else "none", *(_median_text(values) for values in steps))
        for (activation, normalized), steps in by_kind.items()
    ]
    note = "median over seeds, in brackets how many reached it where not all did"
    return Table(f"{title} ({note})", ("units", "normalization", *(f"rate {rate:g}" for rate in rates)), rows)


def _median_text(values: list[float]) -> str:
    reached = sum(map(math.isfinite, values))
    text = f"{np.median(values):.0f}" if math.isfinite(np.median(values)) else "–"
    return text if reached == len(values) else f"{text} ({reached} of {len(values)})"


def _verdict(by_kind: _Steps, limit: float) -> Verdict:
    """Compares the best learning rate of each; a training that did not arrive counts as long as it was let run."""
    holds, because = True, []
    for activation in _ACTIVATIONS:
        plain, normalized = (_best(by_kind[activation, flag], limit) for flag in (False, True))
        saved = mean_difference(plain, normalized)
        holds &= saved.low > 0
        reached = "" if min(plain) < limit else " (never there)"
        because.append(f"{activation} {mean_interval(plain).mean:.0f} steps without{reached}, {saved} fewer with")
    return Verdict(holds, "at the best learning rate of each, " + "; ".join(because))


def _best(steps: list[list[float]], limit: float) -> list[float]:
    bounded = [[min(value, limit) for value in values] for values in steps]
    return min(bounded, key=lambda values: float(np.mean(values)))


def _draw(by_kind: _Steps, rates: tuple[float, ...], accuracy: float, figure: "Figure") -> None:
    for axes, activation in zip(figure.subplots(1, len(_ACTIVATIONS), sharey=True), _ACTIVATIONS, strict=True):
        for normalized, colour, label in ((False, COLOURS[1], "without"), (True, COLOURS[0], "with normalization")):
            steps = by_kind[activation, normalized]
            axes.plot(rates, [np.median(values) for values in steps], marker="o", ms=4, color=colour, label=label)
            for rate, values in zip(rates, steps, strict=True):
                axes.plot([rate] * len(values), values, ".", color=colour, ms=4, alpha=0.5)
        axes.set(xscale="log", title=f"{activation} units", xlabel="learning rate")
        if any(math.isfinite(value) for values in (*by_kind[activation, False], *steps) for value in values):
            axes.set_yscale("log")  # which needs something to show
    figure.axes[0].set_ylabel(f"steps to {accuracy:.0%}, where reached")
    figure.axes[0].legend()
