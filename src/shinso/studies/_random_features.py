"""Least squares on random features, where the true distribution and the exact minimum are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from shinso.studies._outcome import Table

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from shinso.lens.generalization import Estimate, KnownDistribution, RiskDecomposition

EXAMPLES = 50
_INPUTS = 5
_NOISE = 0.3


@dataclass(frozen=True)
class RandomFeatures:
    """The parts of the expected squared error by number of features."""

    decompositions: "Mapping[int, RiskDecomposition]"

    @property
    def _ends(self) -> "tuple[int, Estimate, int, Estimate]":
        """The fewest and the most features above the number of examples, with the gap L(ĥ) - L̂(ĥ) of each."""
        over = [count for count in self.decompositions if count > EXAMPLES]
        if len(over) < 2:
            raise ValueError(
                f"at least two numbers of features must be above the {EXAMPLES} examples; got "
                f"{tuple(self.decompositions)}"
            )
        few, many = min(over), max(over)
        return few, self.decompositions[few].gap, many, self.decompositions[many].gap

    @property
    def gap_does_not_grow(self) -> bool:
        """Whether the most features have a gap no larger than the fewest."""
        _, first, _, last = self._ends
        return last.mean <= first.mean

    @property
    def because(self) -> str:
        """The gap of the fewest and the most features, in words."""
        few, first, many, last = self._ends
        return f"on a known distribution it is {first} at {few} random features and {last} at {many}"

    def tables(self) -> list[Table]:
        """Equation 22 and equation 23, term by term."""
        title = f"random features, {EXAMPLES} examples, means over training sets with 95 % intervals"
        return [
            Table(
                f"Equation 22: {title}",
                ("features", "L(ĥ) - L(h̃)", "= L(ĥ) - L(h*)", "+ L(h*) - L(h̃)"),
                [
                    (str(p), str(d.total), str(d.estimation), str(d.approximation))
                    for p, d in self.decompositions.items()
                ],
            ),
            Table(
                f"Equation 23: {title}",
                ("features", "L(ĥ) - L(h*)", "= L(ĥ) - L̂(ĥ)", "+ L̂(ĥ) - L̂(h*)", "+ L̂(h*) - L(h*)"),
                [
                    (str(p), *map(str, (d.estimation, d.gap, d.fit, d.deviation)))
                    for p, d in self.decompositions.items()
                ],
            ),
        ]


def random_features(counts: tuple[int, ...], training_sets: int) -> RandomFeatures:
    """The decomposition for each number of features; the solution of least norm where there are many."""
    from torch.nn import functional as F  # noqa: N812

    from shinso.lens.generalization import decompose_risk

    return RandomFeatures(
        {
            count: decompose_risk(
                _distribution(), F.mse_loss, partial(_least_squares, count), EXAMPLES, training_sets=training_sets
            )
            for count in counts
        }
    )


def _distribution() -> "KnownDistribution":
    from shinso.lens.generalization import KnownDistribution

    return KnownDistribution(_drawn, _best)


def _best(inputs: "Tensor") -> "Tensor":
    """The conditional mean: a wave across the first inputs."""
    return (inputs[:, 0] + inputs[:, 1]).sin() + 0.5 * inputs[:, 2]


def _drawn(count: int, generator: "torch.Generator") -> "tuple[Tensor, Tensor]":
    import torch

    inputs = torch.randn(count, _INPUTS, generator=generator, dtype=torch.float64)
    noise = torch.randn(count, generator=generator, dtype=torch.float64)
    return inputs, _best(inputs) + _NOISE * noise


class _LinearInFeatures:
    """Rectified random projections, the same for every training set, with trained weights."""

    def __init__(self, count: int) -> None:
        import torch

        generator = torch.Generator().manual_seed(0)
        self.directions = torch.randn(_INPUTS + 1, count, generator=generator, dtype=torch.float64)
        self.weights = torch.zeros(count, dtype=torch.float64)

    def features(self, inputs: "Tensor") -> "Tensor":
        projected = inputs @ self.directions[:-1] + self.directions[-1]
        rectified: Tensor = projected.relu() / len(self.weights) ** 0.5
        return rectified

    def __call__(self, inputs: "Tensor") -> "Tensor":
        return self.features(inputs) @ self.weights


def _least_squares(count: int, inputs: "Tensor", targets: "Tensor") -> _LinearInFeatures:
    import torch

    model = _LinearInFeatures(count)
    # gelsd gives the solution of least norm where there is more than one, as descent from zero does.
    model.weights = torch.linalg.lstsq(model.features(inputs), targets[:, None], driver="gelsd").solution[:, 0]
    return model
