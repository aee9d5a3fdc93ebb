"""The decomposition where each part has a closed form."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens.generalization import KnownDistribution, RiskDecomposition, decompose_risk

SLOPES = torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64)


def linear(size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(size, 4, generator=generator, dtype=torch.float64)
    return inputs, inputs @ SLOPES + torch.randn(size, generator=generator, dtype=torch.float64)


def square(size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(size, 1, generator=generator, dtype=torch.float64)
    return inputs, inputs[:, 0].square() + torch.randn(size, generator=generator, dtype=torch.float64)


def least_squares(inputs: Tensor, targets: Tensor) -> object:
    weights = torch.linalg.lstsq(inputs, targets[:, None]).solution[:, 0]
    return lambda fresh: fresh @ weights


def descent(inputs: Tensor, targets: Tensor) -> object:
    weights = torch.zeros(4, dtype=torch.float64)
    for _ in range(3):
        weights = weights - 0.2 * inputs.mT @ (inputs @ weights - targets) / len(inputs)
    return lambda fresh: fresh @ weights


TRUE_LINE = KnownDistribution(linear, lambda inputs: inputs @ SLOPES)


def assert_adds_up(found: RiskDecomposition) -> None:
    assert found.total.mean == pytest.approx(sum(part.mean for part in found.parts().values()))
    relative = found.gap.mean + found.fit.mean + found.deviation.mean
    assert found.estimation.mean == pytest.approx(relative)
    assert found.fit.high < 0


def test_of_least_squares_in_a_class_that_holds_the_truth_only_estimation_is_left() -> None:
    # Of n examples with d Gaussian features and noise of variance 1: d / (n − d − 1).
    found = decompose_risk(
        TRUE_LINE, F.mse_loss, least_squares, 25, best_in_class=TRUE_LINE.best, training_sets=150, test_examples=2000
    )
    assert_adds_up(found)
    assert found.estimation.low < 4 / (25 - 4 - 1) < found.estimation.high
    assert found.estimation.high - found.estimation.low < 0.1
    assert found.approximation.mean == found.optimization.mean == 0
    # On its own examples a least-squares fit is better than the truth by d / n of the noise.
    assert found.fit.low < -4 / 25 < found.fit.high
    assert found.deviation.low < 0 < found.deviation.high


def test_of_a_class_that_cannot_bend_the_approximation_is_what_it_misses() -> None:
    # x² of a standard normal x by a multiple of x: the best is 0, and misses E[x⁴] = 3.
    known = KnownDistribution(square, lambda inputs: inputs[:, 0].square())
    found = decompose_risk(known, F.mse_loss, least_squares, 200, training_sets=30)
    assert_adds_up(found)
    assert found.approximation.low < 3 < found.approximation.high
    assert abs(found.estimation.mean) < 0.15
    assert found.gap.high > 0


def test_training_that_stops_short_shows_as_optimisation() -> None:
    found = decompose_risk(TRUE_LINE, F.mse_loss, least_squares, 400, train=descent, training_sets=10)
    assert_adds_up(found)
    assert found.optimization.low > 0.5
    assert found.approximation.high < 0.01
    again = decompose_risk(TRUE_LINE, F.mse_loss, least_squares, 400, train=descent, training_sets=10)
    assert again.total.mean == pytest.approx(found.total.mean)
    assert again.deviation.mean == pytest.approx(found.deviation.mean)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two training sets and one example; got training_sets=1"):
        decompose_risk(TRUE_LINE, F.mse_loss, least_squares, 10, training_sets=1)
