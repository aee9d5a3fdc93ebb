"""The Bayesian evidence of a minimum (Smith & Le, 2018, arXiv 1710.06451, figure 2; lecture 003, figure 10)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shinso._picture import COLOURS
from shinso.studies._interval import mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from shinso.lens.generalization import BayesianEvidence
    from shinso.studies._examples import Examples

_TRUE, _RANDOM = "true labels", "random labels"
Energies = Mapping[str, Sequence[Sequence[float]]]
"""E(ω₀)/N by labels, strength of the prior and seed."""


@dataclass(frozen=True)
class _Setting:
    data: str
    target: str | None
    train_share: float
    precisions: tuple[float, ...]
    all_classes: bool
    labels: str


@dataclass(frozen=True)
class _Minima:
    """For each strength of the prior the evidence, and how well the minimum does."""

    evidence: "tuple[BayesianEvidence, ...]"
    train_accuracies: tuple[float, ...]
    test_accuracies: tuple[float, ...]


def evidence(
    *,
    data: str = "digits",
    target: str | None = None,
    train_share: float = 0.5,
    precisions: tuple[float, ...] = (1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1e3, 1e4),
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """The Bayesian evidence of a minimum prefers true labels: that of random ones is below random prediction's.

    Logistic regression of the first two classes, at the minimum for each strength λ of the Gaussian prior. It holds if
    at the λ that is best for true labels E(ω₀), the log evidence of random prediction over the model's, is below 0 for
    true labels and above 0 for random ones, and for random labels is below 0 at no λ (each by the 95 % interval over
    seeds). Towards strong priors both go to 0, where the model predicts at random.

    Args:
        data: Where the examples come from, as in shinso train.
        target: Column to predict, where the data are a table.
        train_share: Share of the examples that is trained on; the rest is tested.
        precisions: Strengths λ of the prior, from weak to strong.
        seeds: Divisions of the data and drawings of labels.
        jobs: Divisions at a time; by default one for each core.
        full: All classes, the sum over eigenvalues estimated.
    """
    settings = [_Setting(data, target, train_share, precisions, full, labels) for labels in (_TRUE, _RANDOM)]
    found = dict(zip((_TRUE, _RANDOM), side_by_side(_minima, settings, seeds, jobs=jobs), strict=True))
    energies = {
        labels: [[run.evidence[place].energy / run.evidence[place].examples for run in runs] for place in _places(runs)]
        for labels, runs in found.items()
    }
    return Outcome(
        claim=claim_of(evidence),
        source="Smith & Le, 2018, arXiv 1710.06451, figure 2; lecture 003, section 2.4, equations 31 to 42, figure 10",
        tables=_tables(data, precisions, found, energies),
        verdict=_verdict(precisions, energies),
        draw=partial(_draw, precisions, found, energies),
    )


def _places(runs: list[_Minima]) -> range:
    return range(len(runs[0].evidence))


def _minima(setting: _Setting, seed: int) -> _Minima:
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

    from shinso.lens import Probe
    from shinso.lens.generalization import bayesian_evidence, estimated_bayesian_evidence
    from shinso.studies._examples import examples

    part = examples(setting.data, setting.target, seed, train_share=setting.train_share)
    inputs, targets, test_inputs, test_targets, classes = part if setting.all_classes else _first_two(part)
    inputs, test_inputs = inputs.double().flatten(1), test_inputs.double().flatten(1)
    if setting.labels == _RANDOM:
        drawn = torch.randint(classes, targets.shape, generator=torch.Generator().manual_seed(seed))
        targets = drawn.to(targets)
    model = nn.Linear(inputs.shape[1], classes, bias=False, dtype=torch.float64, device=inputs.device)
    nn.init.zeros_(model.weight)
    measure = estimated_bayesian_evidence if setting.all_classes else bayesian_evidence
    found = []
    for precision in sorted(setting.precisions, reverse=True):
        _minimize(model, inputs, targets, precision)
        with torch.no_grad():
            right = [
                (model(x).argmax(1) == y).double().mean().item()
                for x, y in ((inputs, targets), (test_inputs, test_targets))
            ]
        found.append((precision, measure(Probe(model, F.cross_entropy, inputs, targets), precision), *right))
    return _Minima(*(tuple(column) for column in list(zip(*sorted(found, key=lambda row: row[0]), strict=True))[1:]))


def _first_two(part: "Examples") -> "tuple[Tensor, Tensor, Tensor, Tensor, int]":
    seen, tested = part.targets < 2, part.test_targets < 2
    return part.inputs[seen], part.targets[seen], part.test_inputs[tested], part.test_targets[tested], 2


def _minimize(model: "nn.Linear", inputs: "Tensor", targets: "Tensor", precision: float) -> None:
    """To the minimum of C(ω), the sum of the losses and ½λ‖ω‖², which is convex."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=500,
        history_size=100,
        tolerance_grad=1e-8,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def cost() -> "Tensor":
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), targets) + precision / len(targets) * model.weight.square().sum() / 2
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(cost)  # type: ignore[no-untyped-call]


def _verdict(precisions: Sequence[float], energies: Energies) -> Verdict:
    true, random = ([mean_interval(values) for values in energies[labels]] for labels in (_TRUE, _RANDOM))
    best = min(range(len(precisions)), key=lambda place: true[place].mean)
    below = [precision for precision, interval in zip(precisions, random, strict=True) if interval.high < 0]
    because = (
        f"at λ = {precisions[best]:g}, the best for true labels, E/N is {true[best]} nats for true labels and "
        f"{random[best]} for random ones; these beat random prediction at {len(below)} of {len(precisions)} λ"
    )
    return Verdict(true[best].high < 0 and random[best].low > 0 and not below, because)


def _tables(
    data: str, precisions: Sequence[float], found: Mapping[str, list[_Minima]], energies: Energies
) -> list[Table]:
    tables = []
    for labels, runs in found.items():
        rows = [
            (
                f"{precision:g}",
                str(mean_interval(energies[labels][place])),
                mean_interval([run.train_accuracies[place] for run in runs]).percent(),
                mean_interval([run.test_accuracies[place] for run in runs]).percent(),
            )
            for place, precision in enumerate(precisions)
        ]
        title = f"{data}, {labels}, {len(runs)} seeds, means with 95 % intervals"
        tables.append(Table(title, ("λ", "E(ω₀)/N, nats", "training accuracy, %", "test accuracy, %"), rows))
    return tables


def _draw(
    precisions: Sequence[float], found: Mapping[str, list[_Minima]], energies: Energies, figure: "Figure"
) -> None:
    """The terms for the first seed by the lens's picture, and the interval over seeds around their sum."""
    from shinso.lens.generalization import draw_evidence

    figure.set_size_inches(10, 4.5)
    draw_evidence(
        {labels: dict(zip(precisions, runs[0].evidence, strict=True)) for labels, runs in found.items()}, figure
    )
    for axes, values in zip(figure.axes, energies.values(), strict=True):
        intervals = [mean_interval(each) for each in values]
        axes.fill_between(
            precisions, [i.low for i in intervals], [i.high for i in intervals], color=COLOURS[1], alpha=0.15, lw=0
        )
