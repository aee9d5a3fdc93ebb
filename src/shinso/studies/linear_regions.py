"""Depth and what a network can express (Montúfar et al., 2014; Raghu et al., 2017; lecture 001)."""

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from shinso._picture import COLOURS, band
from shinso.studies._interval import Interval, mean_interval
from shinso.studies._outcome import Outcome, Table, Verdict, claim_of
from shinso.studies._ratio import mean_ratio
from shinso.studies._side_by_side import side_by_side

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import nn

_FOLDING_WIDTH = 4
"""Units of a layer that folds a square once along each of its two sides."""


def linear_regions(
    *,
    most_layers: int = 6,
    units: int = 48,
    depths: tuple[int, ...] = (1, 2, 3, 4, 6, 8),
    weight_variances: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0),
    path_layers: int = 12,
    path_width: int = 100,
    seeds: int = 5,
    jobs: int | None = None,
    full: bool = False,
) -> Outcome:
    """What a network can express grows exponentially with its layers: linear regions, and the length of paths.

    Three measurements. Rectified networks of 4 units a layer that fold the square, as in the proof: their regions are
    counted exactly, beside the lower bound of the paper and the most that one layer with as many units can have.
    Rectified networks with random weights and a fixed number of units in all, divided into more and more layers: they
    tell whether what is possible also happens. Networks of clipped linear units (hard tanh) with random weights: the
    length of an arc between two inputs in each layer.

    It holds if the folding networks have exactly as many regions as the formula says, and the deepest more than any
    network of one layer can; and if the length of the arc grows by a factor of surely more than one a layer (95 %
    interval over networks) at the greatest weight variance. Random rectified networks decide nothing, since the lecture
    speaks of what is possible; the verdict says what they do.

    Args:
        most_layers: Hidden layers of the deepest folding network.
        units: Hidden units of each random network, in all.
        depths: Hidden layers these units are divided into.
        weight_variances: Variances of the weights of networks for the arc, times the width.
        path_layers: Layers of these networks.
        path_width: Units of each of their layers.
        seeds: Random networks of each kind.
        jobs: Networks at a time; by default one for each core.
        full: Up to 8 folding layers, 96 random units, and paths through 20 layers of 400 units.
    """
    if most_layers < 2 or len(depths) < 2 or any(units % depth for depth in depths):
        raise ValueError(
            f"the study compares depths: at least two folding layers, and at least two depths that divide {units} "
            f"units; got most_layers {most_layers} and depths {depths}"
        )
    if full:
        most_layers, units, path_layers, path_width = 8, 2 * units, 20, 400
    folded = [_folded(layers) for layers in range(1, most_layers + 1)]
    random = side_by_side(partial(_random_regions, units), depths, seeds, jobs=jobs)
    paths = side_by_side(partial(_path, path_layers, path_width), weight_variances, seeds, jobs=jobs)
    measured = _Measured(
        folded, units, dict(zip(depths, random, strict=True)), dict(zip(weight_variances, paths, strict=True))
    )
    return Outcome(
        claim=claim_of(linear_regions),
        source="Montúfar et al., 2014, arXiv 1402.1869, theorem 4; Raghu et al., 2017, arXiv 1606.05336, theorem 1; "
        "Hanin & Rolnick, 2019, arXiv 1906.00904; lecture 001, the number of layers and expressive power",
        tables=_tables(measured, path_layers, path_width, seeds),
        verdict=_verdict(measured),
        draw=partial(_draw, measured),
    )


class _Folded(NamedTuple):
    """Regions of a square."""

    layers: int
    counted: int
    formula: int
    """(n/n₀)^(n₀(L−1)) Σ C(n, j) of L layers of n = 4 units and n₀ = 2 inputs; on the slide it is without that n₀."""
    one_layer: int
    """The most that one layer with as many units in all can have."""


class _Measured(NamedTuple):
    folded: list[_Folded]
    units: int
    random: dict[int, list[int]]
    """By number of layers: the regions of each random network."""
    paths: dict[float, list[list[float]]]
    """By variance of the weights: of each random network the length in each layer."""

    def growth(self, variance: float) -> Interval:
        """The factor by which the arc gets longer in a layer, over networks."""
        lengths = self.paths[variance]
        per_layer = 1 / (len(lengths[0]) - 1)
        return mean_ratio([each[-1] ** per_layer for each in lengths], [each[0] ** per_layer for each in lengths])


def folding_network(layers: int) -> "nn.Sequential":
    """``layers`` rectified layers of 4 units on the unit square: all but the last fold it, the last cuts what is left.

    Source: Montúfar et al. 2014, section 3; the origami of lecture 001.
    """
    import torch
    from torch import nn

    def fold() -> nn.Sequential:
        # Of each coordinate x the tent 2x − 4 max(0, x − ½) on two units.
        inwards, outwards = nn.Linear(2, _FOLDING_WIDTH), nn.Linear(_FOLDING_WIDTH, 2)
        inwards.weight.copy_(torch.tensor([[2.0, 0.0], [4.0, 0.0], [0.0, 2.0], [0.0, 4.0]]))
        inwards.bias.copy_(torch.tensor([0.0, -2.0, 0.0, -2.0]))
        outwards.weight.copy_(torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]]))
        outwards.bias.zero_()
        return nn.Sequential(inwards, nn.ReLU(), outwards)

    with torch.no_grad():
        cut = nn.Linear(2, _FOLDING_WIDTH)
        # Four lines past the middle of the square, each two of which cross inside.
        angles = torch.arange(_FOLDING_WIDTH) * (math.pi / _FOLDING_WIDTH) + 0.3
        cut.weight.copy_(torch.stack([angles.cos(), angles.sin()], dim=1))
        cut.bias.copy_(torch.tensor([0.05, -0.08, 0.11, -0.03]) - 0.5 * cut.weight.sum(dim=1))
        return nn.Sequential(*(fold() for _ in range(layers - 1)), cut, nn.ReLU(), nn.Linear(_FOLDING_WIDTH, 1))


def random_network(layers: int, width: int, seed: int) -> "nn.Sequential":
    """Rectified layers on two inputs: weights of variance 2 by fan-in (He et al. 2015), standard normal biases."""
    import torch
    from torch import nn

    generator = torch.Generator().manual_seed(seed)
    sizes = [2, *[width] * layers, 1]
    modules: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layer = nn.Linear(fan_in, fan_out)
        nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_in), generator=generator)
        nn.init.normal_(layer.bias, generator=generator)
        modules += [layer, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def _folded(layers: int) -> _Folded:
    n = _FOLDING_WIDTH
    counted = _regions(folding_network(layers), low=0.0, high=1.0)
    return _Folded(layers, counted, (n // 2) ** (2 * (layers - 1)) * _cells(n), _cells(n * layers))


def _cells(lines: int) -> int:
    """The most parts that lines cut a plane into: Σ C(n, j) for j from 0 to 2."""
    return sum(math.comb(lines, j) for j in range(3))


def _regions(network: "nn.Module", *, low: float, high: float) -> int:
    """Of the square from low to high."""
    import torch

    from shinso.lens.regions import Plane, linear_regions

    side = high - low
    plane = Plane(*(torch.tensor(point, dtype=torch.float64) for point in ([low, low], [side, 0.0], [0.0, side])))
    return linear_regions(network, plane).count


def _random_regions(units: int, layers: int, seed: int) -> int:
    return _regions(random_network(layers, units // layers, seed), low=-4.0, high=4.0)


def _path(layers: int, width: int, variance: float, seed: int) -> list[float]:
    """The length of an arc in the output of each layer, relative to its length in the input."""
    import torch
    from torch import nn

    from shinso.lens import Probe
    from shinso.lens.regions import arc, trajectory_lengths

    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for _ in range(layers):
        layer = nn.Linear(width, width, bias=False)
        nn.init.normal_(layer.weight, std=math.sqrt(variance / width), generator=generator)
        modules += [layer, nn.Hardtanh()]
    start, end = torch.randn(2, width, generator=generator)
    points = arc(start, end, points=4000)
    lengths = trajectory_lengths(Probe(nn.Sequential(*modules), nn.functional.mse_loss, points, None), points)
    return [lengths[str(place)].item() for place in range(1, 2 * layers, 2)]


def _tables(measured: _Measured, layers: int, width: int, seeds: int) -> list[Table]:
    units = measured.units
    header = ("hidden layers", "folding", "formula of the paper", "most of one layer with as many units")
    folded = Table(
        "Linear regions of the square, layers of 4 units", header, [tuple(map(str, row)) for row in measured.folded]
    )
    random = Table(
        f"Linear regions of random networks with {units} units in all, {seeds} of each, means with 95 % intervals",
        ("hidden layers", "units of each", "regions"),
        [(str(d), str(units // d), str(mean_interval(list(map(float, n))))) for d, n in measured.random.items()],
    )
    paths = Table(
        f"Length of an arc in {layers} layers of {width} clipped units, {seeds} of each, 95 % intervals",
        ("variance of weights × width", "times as long with each layer"),
        [(f"{variance:g}", str(measured.growth(variance))) for variance in measured.paths],
    )
    return [folded, random, paths]


def _verdict(measured: _Measured) -> Verdict:
    deepest, greatest = measured.folded[-1], max(measured.paths)
    is_exact = all(row.counted == row.formula for row in measured.folded)
    longer = measured.growth(greatest)
    shallow, *_, deep = measured.random.values()
    depths = [*measured.random]
    random = mean_ratio(list(map(float, deep)), list(map(float, shallow)))
    because = (
        f"folding networks have {'exactly' if is_exact else 'not'} the regions of the formula, {deepest.counted} in "
        f"{deepest.layers} layers of 4 units where one layer has at most {deepest.one_layer}; an arc gets {longer} "
        f"times as long with each layer at weight variance {greatest:g}. Random weights do not fold: {measured.units} "
        f"units in {depths[-1]} layers have {random} times the regions of {depths[0]}"
    )
    return Verdict(is_exact and deepest.counted > deepest.one_layer and longer.low > 1, because)


def _draw(measured: _Measured, figure: "Figure") -> None:
    possible, random, paths = figure.subplots(1, 3)
    layers = [row.layers for row in measured.folded]
    possible.plot(layers, [row.counted for row in measured.folded], "o", color=COLOURS[0], label="folding, counted")
    possible.plot(layers, [row.formula for row in measured.folded], color=COLOURS[0], label="formula of the paper")
    one_layer = [row.one_layer for row in measured.folded]
    possible.plot(layers, one_layer, "--", color=COLOURS[1], label="one layer, at most")
    possible.set(title="Possible regions", xlabel="hidden layers of 4 units", ylabel="linear regions", yscale="log")
    possible.legend(fontsize=8)
    counts = [mean_interval(list(map(float, values))) for values in measured.random.values()]
    band(random, [*measured.random], counts, "random weights", COLOURS[2])
    random.set(title=f"Random weights, {measured.units} units", xlabel="hidden layers", ylabel="linear regions")
    random.set_ylim(bottom=0)
    for (variance, lengths), colour in zip(measured.paths.items(), COLOURS, strict=False):
        by_layer = [mean_interval(values) for values in zip(*lengths, strict=True)]
        band(paths, range(1, len(by_layer) + 1), by_layer, f"{variance:g}", colour)
    paths.set(title="Length of an arc", xlabel="layer", ylabel="times that of the input", yscale="log")
    paths.legend(title="weight variance", fontsize=8)
