"""Adversarial examples (Szegedy et al., 2014; Goodfellow et al., 2015; Madry et al., 2018; lecture 001)."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso import models
from shinso._picture import COLOURS, band
from shinso.lens.adversarial import (
    AdversarialExamples,
    InputSpace,
    LInf,
    adversarial_examples,
    draw_adversarial_examples,
    fgsm,
    pgd,
)
from shinso.recipe import Recipe
from shinso.studies._interval import mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

_NOISE, _FGSM, _PGD = "random signs", "FGSM", "PGD"
_PERTURBATIONS = (_NOISE, _FGSM, _PGD)


def adversarial(
    *,
    data: str = "digits",
    image_size: int | None = None,
    radii: tuple[float, ...] = (0.0, 0.016, 0.031, 0.063, 0.125, 0.25),
    invisible: float = 0.031,
    epochs: int = 20,
    examples: int = 300,
    steps: int = 20,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """Perturbations too small to see, chosen for the network, turn most of its right answers wrong; noise does not.

    Trained networks are attacked on examples that they were not trained on. Radii are shares of the range of raw
    values, 0.031 being the usual 8/255: each value of an example may change by so much, by the sign of the gradient
    (FGSM), by search (PGD), or up or down at random. At radius ``invisible`` it holds if PGD leaves surely less than
    half of the right answers right, and random signs surely more than half (95 % intervals over networks).

    How large an invisible change is depends on the image: the smaller the image, the fewer values an attack can change
    at the same radius, and the less it can do. On 8×8 digits the answer is about those, not about photographs.

    Args:
        data: Where the images come from, as in shinso train.
        image_size: Pixels of a side that images are resized to.
        radii: Largest change of a value, as a share of the range.
        invisible: The radius that decides; one of ``radii``.
        epochs: Passes over the training examples.
        examples: Test examples that are attacked, for each network.
        steps: Of the search.
        seeds: Networks.
        jobs: Networks at a time; by default one for each core.
        full: The residual network of 56 layers that He et al. (2016) trained on CIFAR-10; for a GPU, with that as data.
    """
    if invisible not in radii or min(radii) < 0:
        raise ValueError(
            f"the radius that decides has to be one of the radii, none of them below 0; got {invisible} and {radii}"
        )
    recipe = Recipe(data=data, image_size=image_size, model="resnet56_cifar" if full else "resnet", epochs=epochs)
    radii = (0.0, *sorted({*radii} - {0.0}))
    (attacks,) = side_by_side(partial(_attacked, radii, examples, steps, invisible), [recipe], seeds, jobs=jobs)
    right = {name: [[one.right[name][n] for one in attacks] for n in range(len(radii))] for name in _PERTURBATIONS}
    title = f"Right answers of {recipe.model} on {data} in %, {seeds} seeds, means with 95 % intervals"
    return Outcome(
        claim=claim_of(adversarial),
        source="Szegedy et al., 2014, arXiv 1312.6199; Goodfellow et al., 2015, arXiv 1412.6572; Madry et al., 2018, "
        "arXiv 1706.06083; lecture 001, adversarial example",
        tables=[_table(right, radii, title)],
        verdict=_verdict(right, radii, invisible),
        draw=partial(_draw, right, radii, invisible, attacks[0].examples),
    )


_Right = Mapping[str, list[list[float]]]
"""By perturbation and radius: of each network the share of examples that is right, and was so before."""


class _Attacked(NamedTuple):
    """What became of one network's answers."""

    right: dict[str, list[float]]
    """By perturbation, for each radius: the share of all examples that is right, and was so before."""
    examples: AdversarialExamples
    """Some at the radius that decides, those first that the search turned."""


def _attacked(
    radii: tuple[float, ...], count: int, steps: int, invisible: float, recipe: Recipe, seed: int
) -> _Attacked:
    recipe = replace(recipe, seed=seed)
    model, inputs, targets, space = _trained(recipe, count)
    span = space.high - space.low
    right: dict[str, list[float]] = {name: [] for name in _PERTURBATIONS}
    for radius in radii:
        for name, perturbed in _perturbed(model, inputs, targets, space, radius * span, steps, seed).items():
            found = adversarial_examples(model, inputs, perturbed, space)
            stays = (found.classes_before == targets) & (found.classes_after == targets)
            right[name].append(float(stays.float().mean()))
    worst = _perturbed(model, inputs, targets, space, invisible * span, steps, seed)[_PGD]
    found = adversarial_examples(model, inputs, worst, space)
    turned = (found.classes_before == targets) & (found.classes_after != targets)
    some = turned.float().argsort(descending=True, stable=True)[:3]
    return _Attacked(right, adversarial_examples(model, inputs[some], worst[some], space))


def _trained(recipe: Recipe, count: int) -> "tuple[nn.Module, Tensor, Tensor, InputSpace]":
    """The trained network, test examples as it takes them, their targets, and where inputs may lie."""
    import shinso
    from shinso.training import load_data

    data = load_data(recipe)
    if data.classes is None:
        raise ValueError(f"a study needs classes to tell apart, but the targets of {recipe.data} are numbers")
    with tempfile.TemporaryDirectory() as directory:
        run = shinso.train(data=data, recipe=recipe, lenses=(), to=Path(directory) / "run", progress=False)
        network = models.build(recipe.model, len(data.classes), input_shape=data.input_shape)
        network.load_state_dict(run.weights())
    chosen = torch.randperm(len(data.test), generator=torch.Generator().manual_seed(recipe.seed))[:count]
    raw, targets = data.test.fetch(chosen)
    raw = raw.float()
    space = InputSpace(raw.min().item(), raw.max().item(), data.mean.flatten().tolist(), data.std.flatten().tolist())
    device = "cuda" if torch.cuda.is_available() else "cpu"
    inputs = (raw - data.mean) / data.std
    return network.eval().to(device), inputs.to(device), targets.to(device), space


def _perturbed(
    model: "nn.Module", inputs: Tensor, targets: Tensor, space: InputSpace, radius: float, steps: int, seed: int
) -> dict[str, Tensor]:
    """The inputs after each perturbation; ``radius`` in raw units."""
    generator = torch.Generator(inputs.device).manual_seed(seed)
    signs = 2 * torch.randint(2, inputs.shape, generator=generator, device=inputs.device) - 1
    low, high = space.bounds(inputs)
    return {
        _NOISE: (inputs + radius * signs / space.scale(inputs)).clamp(low, high),
        _FGSM: fgsm(model, F.cross_entropy, inputs, targets, radius, space),
        _PGD: pgd(model, F.cross_entropy, inputs, targets, LInf(radius), space, steps, seed=seed),
    }


def _table(right: _Right, radii: tuple[float, ...], title: str) -> Table:
    rows = [
        (f"{radius:g}", *(mean_interval(right[name][n]).percent() for name in _PERTURBATIONS))
        for n, radius in enumerate(radii)
    ]
    return Table(title, ("radius, share of the range", *_PERTURBATIONS), rows)


def _verdict(right: _Right, radii: tuple[float, ...], invisible: float) -> Verdict:
    """PGD has to turn surely more than half of the right answers, and noise surely less than half."""
    place = radii.index(invisible)
    clean = right[_NOISE][0]
    left = {
        name: mean_interval(
            [after / max(before, 1e-9) for after, before in zip(right[name][place], clean, strict=True)]
        )
        for name in _PERTURBATIONS
    }
    because = (
        f"of the right answers ({mean_interval(clean).percent()} %), at radius {invisible:g} there stay right: "
        + (", ".join(f"{interval.percent()} % under {name}" for name, interval in left.items()))
    )
    return Verdict(left[_PGD].high < 0.5 < left[_NOISE].low, because)


def _draw(
    right: _Right, radii: tuple[float, ...], invisible: float, examples: AdversarialExamples, figure: "Figure"
) -> None:
    curves, images = figure.subfigures(1, 2, squeeze=False)[0]
    axes = curves.subplots()
    for (name, by_radius), colour in zip(right.items(), (COLOURS[2], COLOURS[0], COLOURS[1]), strict=True):
        intervals = [mean_interval([100 * share for share in shares]) for shares in by_radius]
        band(axes, radii, intervals, name, colour)
    axes.axvline(invisible, color="0.5", lw=0.8, ls="--")
    axes.set(title="Right answers", xlabel="radius, share of the range", ylabel="%", ylim=(-2, 102))
    axes.legend()
    if examples.originals.dim() == 4:
        draw_adversarial_examples(examples, cast("Figure", images))
        images.suptitle(f"Before and after PGD, radius {invisible:g}", x=0.01, ha="left", fontsize=11)
