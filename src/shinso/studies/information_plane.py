"""The information plane (Shwartz-Ziv & Tishby, 2017; Saxe et al., 2018; lecture 001, Information Bottleneck)."""

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso._picture import COLOURS
from shinso.lens import inspect
from shinso.lens.information import InformationPlane
from shinso.studies._interval import Interval, mean_difference, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INPUTS = 12
_WIDTHS = (10, 7, 5, 4, 3)
"""Of the hidden layers of the paper."""
_TANH, _RELU = "tanh", "ReLU"
_ESTIMATORS = {"binning": "information/input_binned", "kernel density": "information/input_upper"}
_TOLERANCE = 0.1
"""As in the lens: the share of the most that could be read by which estimators may differ."""


def information_plane(
    *,
    epochs: int = 1000,
    learning_rate: float = 0.1,
    batch_size: int = 256,
    readings: int = 24,
    examples: int = 1024,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """After fitting, tanh layers compress what they know of the inputs, I(X;T), and ReLU layers do not.

    The task is in the manner of the first paper: all 4096 patterns of 12 lights on a sphere, and a rule that does not
    change when the sphere is turned. Networks of hidden layers with 10, 7, 5, 4 and 3 units are trained on all patterns
    by plain descent. Fitted is a network at the first reading with 90 % of the accuracy that it has at the end;
    compression is by how many bits I(X;T), as a mean over the hidden layers, falls from there to the end.

    Mutual information of a layer that is a function of its input is a matter of the resolution one looks at, and
    estimators differ. So it holds only if both binning and kernel density say so: compression of tanh surely above
    zero, and surely above that of ReLU, whose own is not surely above zero (95 % intervals over networks).

    Args:
        epochs: Passes over the patterns.
        learning_rate: Constant.
        batch_size: Patterns of a step.
        readings: How often the layers are looked at, evenly on a logarithmic axis of epochs.
        examples: Patterns that information is estimated from.
        seeds: Networks of each kind.
        jobs: Networks at a time; by default one for each core.
        full: As many passes as published (ten times as many), and information from all patterns.
    """
    if readings < 3 or examples < 16:
        raise ValueError(f"a path needs at least 3 readings of 16 examples; got {readings} and {examples}")
    if full:
        epochs, examples = 10 * epochs, 2**_INPUTS
    setting = _Setting(epochs, learning_rate, batch_size, readings, examples)
    kinds = (_TANH, _RELU)
    paths = dict(zip(kinds, side_by_side(partial(_path, setting), kinds, seeds, jobs=jobs), strict=True))
    falls = {kind: {name: [path.fall(name) for path in each] for name in _ESTIMATORS} for kind, each in paths.items()}
    return Outcome(
        claim=claim_of(information_plane),
        source="Shwartz-Ziv & Tishby, 2017, arXiv 1703.00810, figure 2; Saxe et al., 2018, figure 1; "
        "lecture 001, Information Bottleneck",
        tables=[_table(paths, falls, setting, seeds)],
        verdict=_verdict(falls, {kind: _disagreement(each) for kind, each in paths.items()}),
        draw=partial(_draw, paths, falls),
    )


class _Setting(NamedTuple):
    epochs: int
    learning_rate: float
    batch_size: int
    readings: int
    examples: int


class _Path(NamedTuple):
    """What was read of one network; [reading layer] where not said otherwise."""

    epochs: list[int]
    accuracies: list[float]
    about_input: dict[str, np.ndarray]
    about_target: np.ndarray
    """By binning."""
    disagreement: np.ndarray
    limit: float
    """The most bits about the inputs that can be read."""

    @property
    def fitted(self) -> int:
        """The first reading with 90 % of the last accuracy."""
        return next(n for n, value in enumerate(self.accuracies) if value >= 0.9 * self.accuracies[-1])

    def fall(self, estimator: str) -> float:
        """Bits about the inputs that are lost from there to the end, mean of layers."""
        bits = self.about_input[estimator].mean(axis=1)
        return float(bits[self.fitted] - bits[-1])


_Falls = Mapping[str, Mapping[str, list[float]]]
"""By kind of unit and estimator: of each network."""


def lights_on_a_sphere() -> tuple[Tensor, Tensor]:
    """All patterns of 12 lights at the corners of an icosahedron, float ``[4096, 12]``, and one of two classes.

    The class is whether the sum of the places of those that burn is longer than for half of the patterns, which no
    turn of the sphere changes.
    """
    patterns = torch.tensor([[number >> bit & 1 for bit in range(_INPUTS)] for number in range(2**_INPUTS)]).float()
    golden = (1 + math.sqrt(5)) / 2
    corners = [[0.0, side, long * golden] for side in (-1, 1) for long in (-1, 1)]
    places = torch.tensor([corner[turn:] + corner[:turn] for corner in corners for turn in range(3)])
    # Rounded: patterns that a turn carries into each other have sums of one length.
    lengths = (patterns @ places).norm(dim=1).mul(1000).round()
    return 2 * patterns - 1, (lengths > lengths.median()).long()


def _path(setting: _Setting, kind: str, seed: int) -> _Path:
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = lights_on_a_sphere()
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))[: setting.examples]
    network = _network(kind, generator)
    layers = tuple(str(place) for place in range(1, 2 * len(_WIDTHS), 2))
    # Outputs of tanh have bounds of their own; those of ReLU are what they are.
    lens = InformationPlane(30, (-1.0, 1.0) if kind == _TANH else None, setting.examples, layers)
    due = sorted(set(np.geomspace(1, setting.epochs, setting.readings).round().astype(int).tolist()))
    read, accuracies = [], []
    for epoch in range(1, setting.epochs + 1):
        _pass(network, inputs, targets, setting, generator)
        if epoch in due:
            read.append(inspect(network, F.cross_entropy, inputs[order], targets[order], [lens]))
            with torch.no_grad():
                accuracies.append(float((network(inputs).argmax(1) == targets).float().mean()))
    values = {name: np.array([one[name].values.tolist() for one in read]) for name in read[0]}
    return _Path(
        due,
        accuracies,
        {name: values[reading] for name, reading in _ESTIMATORS.items()},
        values["information/target_binned"],
        values["information/input_disagreement"],
        float(values["information/input_limit"][-1]),
    )


def _network(kind: str, generator: torch.Generator) -> nn.Sequential:
    modules: list[nn.Module] = []
    for fan_in, fan_out in pairwise((_INPUTS, *_WIDTHS, 2)):
        layer = nn.Linear(fan_in, fan_out)
        nn.init.normal_(layer.weight, std=math.sqrt((1 if kind == _TANH else 2) / fan_in), generator=generator)
        nn.init.zeros_(layer.bias)
        modules += [layer, nn.Tanh() if kind == _TANH else nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def _pass(network: nn.Module, inputs: Tensor, targets: Tensor, setting: _Setting, generator: torch.Generator) -> None:
    """One pass of plain descent."""
    optimizer = torch.optim.SGD(network.parameters(), lr=setting.learning_rate)
    order = torch.randperm(len(inputs), generator=generator)
    for batch in torch.split(order, setting.batch_size):
        optimizer.zero_grad()
        F.cross_entropy(network(inputs[batch]), targets[batch]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


def _disagreement(paths: list[_Path]) -> float:
    """The share of readings in which estimators are further apart than they may."""
    return float(np.mean([(path.disagreement > _TOLERANCE * path.limit).mean() for path in paths]))


def _table(paths: Mapping[str, list[_Path]], falls: _Falls, setting: _Setting, seeds: int) -> Table:
    rows = [
        (
            kind,
            name,
            str(mean_interval([float(path.about_input[name][path.fitted].mean()) for path in paths[kind]])),
            str(mean_interval([float(path.about_input[name][-1].mean()) for path in paths[kind]])),
            str(mean_interval(values)),
            f"{_disagreement(paths[kind]):.0%}",
            mean_interval([path.accuracies[-1] for path in paths[kind]]).percent(),
        )
        for kind, by_estimator in falls.items()
        for name, values in by_estimator.items()
    ]
    header = ("units", "estimator", "when fitted", "at the end", "compression", "estimators disagree", "accuracy, %")
    title = f"I(X;T) in bits, mean of layers, {setting.epochs} epochs, {seeds} seeds, means with 95 % intervals"
    return Table(title, header, rows)


def _verdict(falls: _Falls, disagreement: Mapping[str, float]) -> Verdict:
    """Both estimators have to show it."""
    holds, because = True, []
    for name in _ESTIMATORS:
        tanh, relu = (mean_interval(falls[kind][name]) for kind in (_TANH, _RELU))
        apart = mean_difference(falls[_TANH][name], falls[_RELU][name])
        holds &= tanh.low > 0 and apart.low > 0 and relu.low <= 0
        because.append(f"by {name} tanh layers compress by {tanh} bits and ReLU layers by {relu}, {apart} apart")
    shares = " and ".join(f"{share:.0%} of readings of {kind}" for kind, share in disagreement.items())
    return Verdict(holds, "; ".join(because) + f"; estimators disagree in {shares}")


def _draw(paths: Mapping[str, list[_Path]], falls: _Falls, figure: "Figure") -> None:
    tanh, relu, bars = figure.subplots(1, 3, width_ratios=(3, 3, 2))
    for axes, (kind, each) in zip((tanh, relu), paths.items(), strict=True):
        _draw_plane(axes, each[0])
        axes.set(title=f"{kind}, first seed", xlabel="I(X;T): bits about the inputs")
        axes.set(xlim=(-0.3, 1.03 * each[0].limit), ylim=(-0.03, 1.05))
    tanh.set_ylabel("I(T;Y): bits about the targets")
    tanh.legend(title="layer (○ fitted, ■ end)", fontsize=8, title_fontsize=8)
    for offset, (name, colour) in zip((-0.15, 0.15), zip(_ESTIMATORS, COLOURS, strict=False), strict=True):
        intervals: list[Interval] = [mean_interval(falls[kind][name]) for kind in falls]
        places, means = np.arange(len(intervals)) + offset, [one.mean for one in intervals]
        errors = [[one.mean - one.low for one in intervals], [one.high - one.mean for one in intervals]]
        bars.errorbar(places, means, yerr=errors, fmt="o", capsize=4, color=colour, label=name)
    bars.axhline(0, color="0.4", lw=0.8)
    bars.set_xticks(range(len(falls)), [*falls])
    bars.set(title="Compression", ylabel="bits after fitting", xlim=(-0.5, len(falls) - 0.5))
    bars.legend(fontsize=8)


def _draw_plane(axes: "Axes", path: _Path) -> None:
    """The way of each layer by binning, from the first reading (small) over fitting to the end (a square)."""
    for layer in range(path.about_target.shape[1]):
        across, up = path.about_input["binning"][:, layer], path.about_target[:, layer]
        axes.plot(across, up, color=COLOURS[layer], lw=1, marker=".", ms=4, label=f"{layer + 1}")
        axes.plot(across[path.fitted], up[path.fitted], "o", mfc="white", color=COLOURS[layer], ms=6)
        axes.plot(across[-1], up[-1], "s", color=COLOURS[layer], ms=6)
