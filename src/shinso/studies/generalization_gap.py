"""The generalisation gap and the size of a network (lecture 003, sections 2.1 and 2.3, equations 22 and 23)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from shinso._picture import COLOURS, QUIET, band
from shinso.studies._interval import mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._random_features import EXAMPLES, RandomFeatures, random_features
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from shinso.lens.generalization import GapCurve, RiskDecomposition

_TOLERANCE = 0.01
"""Points of accuracy by which a gap may be larger and still count as not grown, as a share."""


@dataclass(frozen=True)
class _Setting:
    data: str
    target: str | None
    train_share: float
    width: int
    epochs: int
    batch_size: int


@dataclass(frozen=True)
class _Gap:
    """What one training came to."""

    examples: int
    parameters: int
    losses: "GapCurve"
    train_accuracy: float
    test_accuracy: float

    @property
    def gap(self) -> float:
        return self.train_accuracy - self.test_accuracy


def generalization_gap(
    *,
    data: str = "digits",
    target: str | None = None,
    train_share: float = 0.2,
    widths: tuple[int, ...] = (1, 2, 4, 8, 32, 128, 512, 2048),
    epochs: int = 100,
    batch_size: int = 32,
    features: tuple[int, ...] = (5, 20, 40, 100, 200, 500),
    training_sets: int = 20,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """With more weights than examples, a larger network has no larger gap between training and test.

    It holds if, from the narrowest network with more weights than examples to the widest, the gap of the accuracies
    grows by no more than a point (upper end of the 95 % interval over seeds), and if the same is seen where the true
    distribution is known: least squares on random features, with the first term of equation 23, L(ĥ) - L̂(ĥ), at the
    most features no larger than at the fewest above the number of examples.

    Args:
        data: Where the examples come from, as in shinso train.
        target: Column to predict, where the data are a table.
        train_share: Share of the examples that is trained on; the rest is tested.
        widths: Units of the hidden layer, from few to many.
        epochs: Passes over the training examples.
        batch_size: Examples in a step.
        features: Numbers of random features of the least squares, 50 examples each.
        training_sets: Training sets over which the parts of the expected loss are means.
        seeds: Trainings for each width.
        jobs: Trainings at a time; by default one for each core.
        full: Widths up to 32768 and 500 passes.
    """
    if full:
        widths, epochs = (*widths, 8192, 32768), 500
    settings = [_Setting(data, target, train_share, width, epochs, batch_size) for width in widths]
    found = side_by_side(_gap_of, settings, seeds, jobs=jobs)
    known = random_features(features, training_sets)
    return Outcome(
        claim=claim_of(generalization_gap),
        source="Zhang et al., 2017, arXiv 1611.03530; lecture 003, sections 2.1 and 2.3, equations 22 and 23",
        tables=[_network_table(data, widths, found), *known.tables()],
        verdict=_verdict([[run.gap for run in runs] for runs in found], [runs[0] for runs in found], known),
        draw=partial(_draw, widths, found, known.decompositions),
    )


def _gap_of(setting: _Setting, seed: int) -> _Gap:
    """One training, looked at by the lens after each pass."""
    import numpy as np
    from torch.nn import functional as F  # noqa: N812

    from shinso.lens import inspect
    from shinso.lens.generalization import GapCurve, GeneralizationGap
    from shinso.studies._descent import descend, seeded_mlp
    from shinso.studies._examples import examples

    part = examples(setting.data, setting.target, seed, train_share=setting.train_share)
    network = seeded_mlp(part.features, part.classes, setting.width, 1, seed)
    lens = GeneralizationGap(part.test_inputs, part.test_targets)
    batch_size = min(setting.batch_size, len(part.targets))
    each, steps, seen = len(part.targets) // batch_size, [], []
    path = descend(network, part.inputs, part.targets, learning_rate=0.1, batch_size=batch_size, seed=seed)
    for step in path:
        if step % each == 0:
            readings = inspect(network, F.cross_entropy, part.inputs, part.targets, [lens])
            steps.append(step)
            seen.append({name: float(reading.values) for name, reading in readings.items()})
            network.train()
        if step == setting.epochs * each:
            break
    losses = GapCurve(np.array(steps), *(np.array([one[f"gap/{name}_loss"] for one in seen]) for name in _PARTS))
    accuracies = (seen[-1][f"gap/{name}_accuracy"] for name in _PARTS)
    return _Gap(len(part.targets), sum(value.numel() for value in network.parameters()), losses, *accuracies)


_PARTS = ("train", "held_out")


def _network_table(data: str, widths: tuple[int, ...], found: list[list[_Gap]]) -> Table:
    rows = [
        (
            str(width),
            str(runs[0].parameters),
            mean_interval([run.train_accuracy for run in runs]).percent(),
            mean_interval([run.test_accuracy for run in runs]).percent(),
            mean_interval([run.gap for run in runs]).percent(),
        )
        for width, runs in zip(widths, found, strict=True)
    ]
    header = ("hidden units", "weights", "training accuracy, %", "test accuracy, %", "gap, points")
    first = found[0]
    title = f"{data}, {first[0].examples} training examples, {len(first)} seeds, means with 95 % intervals"
    return Table(title, header, rows)


def _verdict(gaps: list[list[float]], first_runs: list[_Gap], known: RandomFeatures) -> Verdict:
    over = [place for place, run in enumerate(first_runs) if run.parameters > run.examples]
    if len(over) < 2:
        sizes = ", ".join(str(run.parameters) for run in first_runs)
        raise ValueError(
            f"at least two networks must have more weights than the {first_runs[0].examples} examples; got {sizes}: "
            "add widths, or take a smaller train_share"
        )
    growth = mean_difference(gaps[over[-1]], gaps[over[0]])
    because = (
        f"from {first_runs[over[0]].parameters} to {first_runs[over[-1]].parameters} weights for "
        f"{first_runs[0].examples} examples the gap changes by {growth.percent()} points; {known.because}"
    )
    return Verdict(growth.high <= _TOLERANCE and known.gap_does_not_grow, because)


def _draw(
    widths: tuple[int, ...],
    found: list[list[_Gap]],
    decompositions: "Mapping[int, RiskDecomposition]",
    figure: "Figure",
) -> None:
    from shinso.lens.generalization import draw_gap, draw_risk_decomposition

    figure.set_size_inches(13, 4.5)
    parts: Any = figure.subfigures(1, 3)
    draw_gap(found[-1][0].losses, parts[0])
    parts[0].axes[0].set_title(f"Over training, {widths[-1]} units")
    _draw_by_size(parts[1].subplots(), found)
    draw_risk_decomposition({f"{count}": one for count, one in decompositions.items()}, parts[2])
    parts[2].axes[0].set(xlabel=f"random features, {EXAMPLES} examples", title="Where the error comes from")


def _draw_by_size(axes: "Axes", found: list[list[_Gap]]) -> None:
    sizes = [runs[0].parameters for runs in found]
    of: dict[str, list[list[float]]] = {
        "training": [[100 * (1 - run.train_accuracy) for run in runs] for runs in found],
        "test": [[100 * (1 - run.test_accuracy) for run in runs] for runs in found],
        "gap": [[100 * run.gap for run in runs] for runs in found],
    }
    for (name, values), colour in zip(of.items(), (COLOURS[0], COLOURS[1], COLOURS[3]), strict=True):
        band(axes, sizes, [mean_interval(each) for each in values], name, colour)
    axes.axvline(found[0][0].examples, color=QUIET, lw=1, ls="--", label="as many weights as examples")
    axes.set(xscale="log", ylim=(-2, 100), xlabel="weights", ylabel="error, %")
    axes.set_title("Against the size of the network")
    axes.legend(fontsize=8)
