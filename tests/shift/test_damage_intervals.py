"""The ends of intervals for weighted risks against SciPy, published formulas, exact enumeration and the bootstrap."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, norm, skew, t

from shinso.shift.damage import Estimate, effective_sample_size, importance_weighted_risk, self_normalized_risk

SKEWED = np.random.default_rng(3).exponential(size=60)


def freedom(squares: np.ndarray, for_normal: float) -> float:
    """2 over the squared relative error of a sum of squares, that which normal losses would have added."""
    return float(2 / (((squares - squares.mean()) ** 2).sum() / squares.sum() ** 2 + 2 / for_normal))


def test_equal_weights_and_a_skewed_loss_give_halls_interval() -> None:
    estimate = importance_weighted_risk(SKEWED, np.ones(60), level=0.9)
    rows, gamma = 60, skew(SKEWED)

    def transformed(mean: float) -> float:  # Hall 1992, the cubic itself, of which the library takes the inverse
        jackknife = SKEWED.std() * rows / (rows - 1)
        x = (SKEWED.mean() - mean) / jackknife
        return float(math.sqrt(rows) * (x + gamma * x**2 / 3 + gamma**2 * x**3 / 27 + gamma / (6 * rows)))

    critical = t.ppf(0.95, freedom((SKEWED - SKEWED.mean()) ** 2, 59))
    assert critical > 1.01 * t.ppf(0.95, 59)
    assert transformed(estimate.low) == pytest.approx(critical)
    assert transformed(estimate.high) == pytest.approx(-critical)
    assert estimate.high - estimate.value > estimate.value - estimate.low


@pytest.mark.parametrize("rows", [25, 60, 400])
def test_ends_for_a_second_skewed_sample_follow_cornish_and_fisher(rows: int) -> None:
    estimate = self_normalized_risk(SKEWED, np.ones(60), current_rows=rows, level=0.9)
    squares, cubes = ((SKEWED - SKEWED.mean()) ** power for power in (2, 3))
    variance = squares.sum() / 59**2 + squares.sum() / 59 / rows
    # of a difference of two means, and of it with its own estimated variance
    own = (cubes.sum() / 59**3 - cubes.mean() / rows**2) / variance**1.5
    tie = (cubes.sum() / 59**3 + cubes.sum() / 59 / 60 / rows) / variance**1.5
    bend = (3 * tie - own) / 6

    def transformed(mean: float) -> float:
        x = (SKEWED.mean() - mean) / math.sqrt(variance)
        return float(x + bend * x**2 + bend**2 * x**3 / 3 + tie / 2 - bend)

    noise = squares / 59**2 + squares / 60 / rows
    # Welch's, for the variance of a sum of two
    of_two = 59 * (1 / 59 + 1 / rows) ** 2 / (1 / 59**2 + 1 / rows**2)
    assert noise.sum() == pytest.approx(variance, rel=0.02)
    relative = ((noise - noise.mean()) ** 2).sum() / variance**2 + 2 / of_two
    critical = t.ppf(0.95, 2 / relative)
    assert transformed(estimate.low) == pytest.approx(critical)
    assert transformed(estimate.high) == pytest.approx(-critical)


def test_ends_for_uneven_weights_are_near_the_studentised_bootstraps() -> None:
    generator = np.random.default_rng(0)
    losses = generator.exponential(size=2000)
    weights = 0.2 + losses

    def studentised(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        w, loss = weights[rows], losses[rows]
        mean = (w * loss).sum(axis=1) / w.sum(axis=1)
        return mean, np.sqrt((w**2 * (loss - mean[:, None]) ** 2).sum(axis=1)) / w.sum(axis=1)

    (value,), (error,) = studentised(np.arange(2000)[None])
    draws = [studentised(generator.integers(0, 2000, (500, 2000))) for _ in range(8)]
    means, errors = (np.concatenate(column) for column in zip(*draws, strict=True))
    low, high = value - np.quantile((means - value) / errors, [0.95, 0.05]) * error
    estimate = self_normalized_risk(losses, weights, level=0.9)
    for end, target, normal in (
        (estimate.low, low, value - 1.645 * error),
        (estimate.high, high, value + 1.645 * error),
    ):
        assert abs(end - target) < 0.4 * abs(normal - target)


def test_a_row_is_measured_from_the_mean_of_the_others() -> None:
    losses, weights = SKEWED[:8], np.array([9.0, 1, 1, 2, 1, 1, 3, 1])
    estimate = self_normalized_risk(losses, weights)
    share = weights / weights.sum()
    without = [np.average(np.delete(losses, i), weights=np.delete(weights, i)) for i in range(8)]
    parts = [s * (loss - mean) for s, loss, mean in zip(share, losses, without, strict=True)]
    assert estimate.standard_error == pytest.approx(math.sqrt(sum(part**2 for part in parts)))
    # and leaving it out moves the mean by as much as its part
    assert parts == pytest.approx([estimate.value - mean for mean in without])


def test_few_rows_of_large_weight_give_students_quantile_for_what_they_are_worth() -> None:
    losses = norm.ppf((np.arange(400) + 0.5) / 400)
    weights = np.ones(400)
    weights[[100, 200, 299]] = 200.0
    estimate = self_normalized_risk(losses, weights, level=0.9)
    share = weights / weights.sum()
    worth = (share @ share) ** 2 / (share**4).sum() - 1
    squares = (share * (losses - share @ losses) / (1 - share)) ** 2
    critical = t.ppf(0.95, freedom(squares, worth))
    # the cubic moves the two ends by amounts of one sign, nearly equal
    assert estimate.width / 2 / estimate.standard_error == pytest.approx(critical, rel=0.1)
    assert critical > 1.3 * t.ppf(0.95, effective_sample_size(weights) - 1)


def test_a_single_row_of_weight_tells_nothing_of_its_error() -> None:
    losses = SKEWED[:3] - 1
    assert losses.min() < 0
    for risk in (self_normalized_risk, importance_weighted_risk):
        estimate = risk(losses, [0, 4, 0], current_rows=9)
        assert (estimate.low, estimate.high) == (-math.inf, math.inf)
        assert not estimate.trusted
    nearly = self_normalized_risk(losses, [1e-3, 4, 1e-3], current_rows=9)
    assert np.isfinite(nearly.width)
    assert nearly.low < losses.min() < losses.max() < nearly.high


@pytest.mark.parametrize("risk", [importance_weighted_risk, self_normalized_risk])
def test_the_mean_of_what_is_never_negative_is_not_either(risk: Callable[..., Estimate]) -> None:
    losses, weights = np.array([0.1, 0.2, 5.0, 0.3]), np.array([1.0, 1, 9, 1])
    assert risk(losses, weights).low == 0
    below = risk(losses - 0.15, weights)
    assert below.low < 0


@pytest.mark.parametrize("absolute", [True, False])
def test_a_strong_shift_is_covered(absolute: bool) -> None:
    """About 28 effective rows of 100: taken for 28 rows of equal weight they covered 0.84 to 0.87 here."""
    generator, hits = np.random.default_rng(5), 0
    for _ in range(500):
        before = generator.normal(size=100)  # current rows: around 1.3
        noise, later = generator.normal(size=100), generator.normal(size=60)
        losses, truth = (abs(noise), abs(later)) if absolute else (noise**2, later**2)
        weights = np.exp(1.3 * before - 1.3**2 / 2)
        hits += self_normalized_risk(losses, weights, current_rows=60).covers(float(truth.mean()))
    assert hits / 500 > 0.88


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_pseudo_rows_weigh_what_a_current_row_weighs(level: float) -> None:
    weights = np.linspace(0.5, 3, 40)
    losses = (np.arange(40) % 13 == 0) * 1.0
    estimate = self_normalized_risk(losses, weights, level=level)
    share = weights / weights.sum()
    mean, typical = share @ losses, share @ share
    pseudo = norm.ppf((1 + level) / 2) ** 2 / 2
    left, spread = share**2 * (losses - mean) ** 2, share * (losses - mean) ** 2
    noise = (left.sum() + pseudo * typical**2) / (spread.sum() + pseudo * typical)
    parts = left / (left.sum() + pseudo * typical**2) - spread / (spread.sum() + pseudo * typical)
    critical = t.ppf((1 + level) / 2, min(1 / typical - 1, 2 / (parts @ parts)))
    for end in (estimate.low, estimate.high):
        assert abs(mean - end) == pytest.approx(critical * math.sqrt(noise * end * (1 - end)))


@pytest.mark.parametrize("errors", [0, 1, 9, 30])
def test_zeros_and_ones_give_wilsons_interval(errors: int) -> None:
    losses = np.arange(30) < errors
    estimate = self_normalized_risk(losses, np.full(30, 2.0), level=0.9)
    level = 2 * norm.cdf(t.ppf(0.95, 29)) - 1
    expected = binomtest(errors, 30).proportion_ci(level, "wilson")
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_ends_for_a_second_sample_are_just_not_rejected() -> None:
    losses, rows = np.arange(80) < 10, 50
    estimate = self_normalized_risk(losses, np.ones(80), current_rows=rows, level=0.95)

    def distance(share: float) -> float:
        pooled = (10 + rows * share) / (80 + rows)
        return abs(share - 0.125) - float(t.ppf(0.975, 79)) * math.sqrt(pooled * (1 - pooled) * (1 / 80 + 1 / rows))

    assert estimate.low == pytest.approx(brentq(distance, 0, 0.125))
    assert estimate.high == pytest.approx(brentq(distance, 0.125, 1))


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_exact_coverage_for_a_second_sample_is_near_nominal(level: float) -> None:
    before, now = 60, 40
    intervals = [
        self_normalized_risk(np.arange(before) < k, np.ones(before), current_rows=now, level=level) for k in range(61)
    ]
    share = np.arange(now + 1) / now
    covered = np.array([(i.low - 1e-12 <= share) & (share <= i.high + 1e-12) for i in intervals])
    chances = np.linspace(0.02, 0.5, 60)
    coverages = [
        binom.pmf(np.arange(before + 1), before, p) @ covered @ binom.pmf(np.arange(now + 1), now, p) for p in chances
    ]
    assert np.mean(coverages) == pytest.approx(level, abs=0.015)
    assert min(coverages) > level - 0.04


def test_uneven_weights_cover_a_second_samples_mean() -> None:
    generator = np.random.default_rng(0)
    hits = {"share": 0, "skewed": 0}
    for _ in range(400):
        x, now = generator.random(150), generator.beta(2, 1, 100)  # the ratio of densities is 2x
        for name in hits:
            loss, truth = (
                ((generator.random(150) < x / 2) * 1.0, (generator.random(100) < now / 2).mean())
                if name == "share"
                else (generator.exponential(x), generator.exponential(now).mean())
            )
            hits[name] += self_normalized_risk(loss, 2 * x, current_rows=100).covers(float(truth))
    assert 0.86 <= hits["share"] / 400 <= 0.94
    assert 0.86 <= hits["skewed"] / 400 <= 0.94
