"""Light image networks against heavy ones (lecture 003, chapter 4)."""

from functools import partial
from typing import TYPE_CHECKING

from shinso.recipe import Augment, Recipe
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._picture import COLOURS
from shinso.studies._trials import Trial, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAVY = ("resnet", "densenet_small", "resnet_cifar_small")
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
    results = trained([Trial(_recipe(data, image_size, name, epochs)) for name in names], seeds, jobs=jobs)
    accuracies = dict(zip(names, ([run.accuracy for run in runs] for runs in results), strict=True))
    costs = {name: _multiply_accumulates(_recipe(data, image_size, name, epochs)) for name in names}
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
    # One digit in 32×32 pixels needs no mixing of digits to be learnt.
    return Recipe(data=data, image_size=image_size, model=name, epochs=epochs, augment=Augment(mixup=0))


def _multiply_accumulates(recipe: Recipe) -> int:
    """Of one example."""
    import torch

    from shinso import models
    from shinso.graph import trace
    from shinso.training import load_data

    data = load_data(recipe)
    with torch.device("meta"):
        network = models.build(recipe.model, len(data.classes or ()), input_shape=data.input_shape).eval()
        return trace(network, torch.empty(1, *data.input_shape)).cost().macs


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
    for name, values in accuracies.items():
        interval, colour = mean_interval([100 * value for value in values]), COLOURS[0 if name in light else 1]
        error = [[interval.mean - interval.low], [interval.high - interval.mean]]
        axes.errorbar(costs[name] / 1e6, interval.mean, yerr=error, fmt="o", color=colour, capsize=3)
        axes.annotate(name, (costs[name] / 1e6, interval.mean), xytext=(6, 4), textcoords="offset points", fontsize=8)
    axes.set(xscale="log", title="Accuracy against cost", ylabel="test accuracy, %")
    axes.set_xlabel("million multiply-accumulates an image")
