"""Light image networks against heavy ones (lecture 003, chapter 4)."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shinso._picture import COLOURS
from shinso.recipe import SGD, Augment, Recipe
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._trials import Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

HEAVY = ("resnet", "densenet_small", "resnet_cifar_small")
_RATE_WITHOUT_NORMALIZATION = 0.02
LIGHT = ("squeezenet_small", "mobilenet_v1_small", "mobilenet_v2_small", "shufflenet_v1_small", "shufflenet_v2_small")


def light_networks(
    *,
    data: str = "digits",
    image_size: int = 32,
    heavy: tuple[str, ...] = HEAVY,
    light: tuple[str, ...] = LIGHT,
    epochs: int = 8,
    margin: float = 0.01,
    seeds: int = 5,
    jobs: int | None = None,
) -> Outcome:
    """Light networks come as far as heavy ones in as many epochs, with a fraction of the multiply-accumulates.

    Args:
        data: Where the images come from, as in shinso train.
        image_size: Pixels of a side that images are resized to.
        heavy: Names of networks, as in shinso models.
        light: Names of networks, as in shinso models.
        epochs: Passes over the training examples, the same for all.
        margin: How much less accurate than the best heavy network still counts as having come as far.
        seeds: Trainings for each network.
        jobs: Trainings at a time; by default one for each core.
    """
    names = (*heavy, *light)
    recipes = {name: _recipe(data, image_size, name, epochs) for name in names}
    results = trained([Trial(recipe) for recipe in recipes.values()], seeds, jobs=jobs)
    accuracies = dict(zip(names, ([run.accuracy for run in runs] for runs in results), strict=True))
    costs = {name: _multiply_accumulates(recipe) for name, recipe in recipes.items()}
    rows = [
        (name, "light" if name in light else "heavy", f"{costs[name] / 1e6:.2f}", mean_interval(values).percent())
        for name, values in sorted(accuracies.items(), key=lambda pair: -costs[pair[0]])
    ]
    title = f"{data} at {image_size}×{image_size}, {epochs} epochs, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=claim_of(light_networks),
        source="lecture 003, chapter 4; Howard et al., 2017, arXiv 1704.04861, and the papers of the networks",
        tables=[Table(title, ("network", "", "million multiply-accumulates", "test accuracy, %"), rows)],
        verdict=_verdict(accuracies, costs, heavy, light, margin),
        draw=partial(_draw, accuracies, costs, light),
    )


def _recipe(data: str, image_size: int, name: str, epochs: int) -> Recipe:
    """The same for all networks, but for the rate of those without normalisation, which the usual one breaks."""
    # One digit in 32×32 pixels needs no mixing of digits to be learnt.
    recipe = Recipe(data=data, image_size=image_size, model=name, epochs=epochs, augment=Augment(mixup=0))
    return recipe if _normalizes(recipe) else replace(recipe, optimizer=SGD(learning_rate=_RATE_WITHOUT_NORMALIZATION))


def _normalizes(recipe: Recipe) -> bool:
    from torch.nn.modules.batchnorm import _NormBase

    return any(isinstance(module, _NormBase) for module in _network(recipe)[0].modules())


def _multiply_accumulates(recipe: Recipe) -> int:
    """Of one example."""
    import torch

    from shinso.graph import trace

    network, shape = _network(recipe)
    return trace(network, torch.empty(1, *shape, device="meta")).cost().macs


def _network(recipe: Recipe) -> tuple["nn.Module", tuple[int, ...]]:
    """The network without its numbers, and the shape of what it takes."""
    import torch

    from shinso import models
    from shinso.training import load_data

    data = load_data(recipe)
    with torch.device("meta"):
        return models.build(
            recipe.model, len(data.classes or ()), input_shape=data.input_shape
        ).eval(), data.input_shape


def _verdict(
    accuracies: dict[str, list[float]],
    costs: dict[str, int],
    heavy: tuple[str, ...],
    light: tuple[str, ...],
    margin: float,
) -> Verdict:
    """Some light network has to be within the margin of the best heavy one, surely, at half its cost or less."""
    best = max(heavy, key=lambda name: mean_interval(accuracies[name]).mean)
    behind = {name: mean_difference(accuracies[best], accuracies[name]) for name in light}
    as_far = [name for name in light if behind[name].high <= margin and costs[name] <= costs[best] / 2]
    shown = min(as_far or light, key=lambda name: costs[name] if as_far else behind[name].mean)
    share = costs[shown] / costs[best]
    because = (
        f"{shown} is {behind[shown].percent()} points behind {best}, the best heavy network, with {share:.0%} of its "
        f"multiply-accumulates"
    )
    return Verdict(bool(as_far), because)


def _draw(accuracies: dict[str, list[float]], costs: dict[str, int], light: tuple[str, ...], figure: "Figure") -> None:
    axes = figure.subplots()
    for place, name in enumerate(sorted(accuracies, key=costs.__getitem__)):
        interval = mean_interval([100 * value for value in accuracies[name]])
        colour = COLOURS[0 if name in light else 1]
        error = [[interval.mean - interval.low], [interval.high - interval.mean]]
        axes.errorbar(costs[name] / 1e6, interval.mean, yerr=error, fmt="o", color=colour, capsize=3)
        # Neighbours by turns above and below their intervals, so that names of like networks can be read.
        above = place % 2 == 0
        axes.annotate(
            name,
            (costs[name] / 1e6, interval.high if above else interval.low),
            xytext=(0, 7 if above else -7),
            textcoords="offset points",
            ha="center",
            va="bottom" if above else "top",
            fontsize=8,
            color=colour,
        )
    axes.margins(x=0.12, y=0.15)
    axes.set(xscale="log", title="Accuracy against cost: light networks in blue", ylabel="test accuracy, %")
    axes.set_xlabel("million multiply-accumulates an image")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
