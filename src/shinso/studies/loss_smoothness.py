"""Batch normalization and the smoothness of the loss (Santurkar et al., 2018, arXiv 1805.11604; lecture 000)."""

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from shinso.lens.smoothness import Smoothness, draw_smoothness
from shinso.recipe import SGD, Augment, Constant, Recipe
from shinso.studies._interval import mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._ratio import mean_ratio
from shinso.studies._trials import Trial
from shinso.studies._watched import Watched, watched

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class _Pair(NamedTuple):
    """One number for each training."""

    with_norm: list[float]
    without: list[float]


_Values = Mapping[str, _Pair]
"""By quantity."""
_RANGE, _CHANGE, _BETA = "range of the loss", "change of the gradient", "effective β"
_MOST = 1e12


def loss_smoothness(
    *,
    data: str = "digits",
    learning_rate: float = 0.1,
    epochs: int = 15,
    batch_size: int = 64,
    every: int = 3,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """Batch normalization makes the loss smoother along the gradient.

    A VGG network is trained with and without it by plain gradient descent. At every few steps the loss and its gradient
    are taken at points from half the learning rate to four times it along the step's gradient, as in figure 4 of the
    paper. Three numbers say how smooth the loss is, less being smoother: the range of the loss over those points, the
    greatest change of the gradient, and the greatest change for the distance moved. It holds if all three are smaller
    with normalization, each with a 95 % interval of the ratio below one.

    Where a network stands still, on a plateau or because all is learned, its gradients are small and its loss is smooth
    for that reason. So each network is judged while it learns: by the median over the steps at which the loss of the
    batch is between 90 % and 10 % of what it was at first (over all steps where it never is).

    Args:
        data: Where the images come from, as in shinso train; at least 8×8 pixels, or 32×32 for the full size.
        learning_rate: Of both networks, constant.
        epochs: Passes over the training examples.
        batch_size: Examples of a step.
        every: Steps between two readings.
        seeds: Trainings of each network.
        jobs: Trainings at a time; by default one for each core.
        full: VGG-16 as published instead of a small one; for a GPU, with CIFAR-10 as data.
    """
    lens = Smoothness(tuple(factor * learning_rate for factor in (0.5, 1.0, 2.0, 4.0)))
    recipes = [_recipe(data, learning_rate, epochs, batch_size, every, *network) for network in _networks(full)]
    with_norm, without = watched([Trial(recipe) for recipe in recipes], [lens], seeds, jobs=jobs)
    values = {
        name: _Pair(*([_of(run, name) for run in runs] for runs in (with_norm, without)))
        for name in (_RANGE, _CHANGE, _BETA)
    }
    network = "VGG-16" if full else "Small VGG"
    title = f"{network} on {data}, learning rate {learning_rate:g}, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=claim_of(loss_smoothness),
        source="Santurkar et al., 2018, arXiv 1805.11604, section 3.1 and figure 4; lecture 000",
        tables=[_table(values, title), _training_table(with_norm, without)],
        verdict=_verdict(values),
        draw=partial(_draw, with_norm[0], without[0]),
    )


def _networks(full: bool) -> tuple[tuple[str, dict[str, bool]], ...]:
    """Name and options of the network with and without normalization."""
    if full:
        return ("vgg16_bn", {}), ("vgg16", {})
    return ("vgg_small", {"batch_norm": True}), ("vgg_small", {"batch_norm": False})


def _recipe(
    data: str, learning_rate: float, epochs: int, batch_size: int, every: int, model: str, options: Mapping[str, bool]
) -> Recipe:
    return Recipe(
        data=data,
        model=model,
        model_options={**options},
        optimizer=SGD(learning_rate=learning_rate, momentum=0.0, nesterov=False, weight_decay=0.0),
        schedule=Constant(),
        epochs=epochs,
        batch_size=batch_size,
        clip_norm=math.inf,
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        lens_every=every,
    )


def _of(run: Watched, quantity: str) -> float:
    """The median while the network learns; a step that ends nowhere counts as the largest."""

    def read(name: str) -> np.ndarray:
        return run.while_learning(f"smoothness/{name}")

    if quantity == _RANGE:
        values = read("loss_high") - read("loss_low")
    else:
        values = read("gradient_change_high" if quantity == _CHANGE else "effective_beta")
    return float(np.median(np.nan_to_num(values, nan=_MOST, posinf=_MOST)))


def _table(values: _Values, title: str) -> Table:
    rows = [
        (name, *(str(mean_interval(each)) for each in pair), str(mean_ratio(pair.with_norm, pair.without)))
        for name, pair in values.items()
    ]
    return Table(title, ("median while learning", "with normalization", "without", "ratio"), rows)


def _training_table(*networks: list[Watched]) -> Table:
    rows = [
        (
            name,
            str(mean_interval([run.mean_loss for run in runs])),
            mean_interval([run.summary.get("test/accuracy", 0.0) for run in runs]).percent(),
        )
        for name, runs in zip(("with normalization", "without"), networks, strict=True)
    ]
    return Table("What the trainings came to", ("network", "training loss, mean over steps", "test accuracy, %"), rows)


def _verdict(values: _Values) -> Verdict:
    """Each of the three numbers has to be surely smaller with normalization."""
    ratios = {name: mean_ratio(pair.with_norm, pair.without) for name, pair in values.items()}
    because = "with normalization, as multiples of those without: " + ", ".join(f"{n} {r}" for n, r in ratios.items())
    return Verdict(all(ratio.high < 1 for ratio in ratios.values()), because)


def _draw(with_norm: Watched, without: Watched, figure: "Figure") -> None:
    runs = {"with batch normalization": with_norm, "without": without}
    draw_smoothness({name: run.record("smoothness/") for name, run in runs.items()}, figure)
