"""Noise scales against the quantities they estimate, on distributions that are known."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from per_sample_cases import normal, one_at_a_time
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.lens import Probe
from shinso.lens.per_sample import (
    PerSample,
    averaged_noise_scale,
    batch_tests,
    momentum_noise_scale,
    noise,
    noise_from_two_batch_sizes,
    per_sample,
    sgd_noise_scale,
    signal_to_noise,
    suggested_batch,
    variance_by_parameter,
)


def example() -> tuple[PerSample, dict[str, Tensor], Tensor]:
    """What was found, the gradients one by one, and all parameters of each example as one row."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    inputs, targets = normal(9, 4), normal(9, 2, seed=1) + 3  # so that the signal is larger than the noise
    gradients = one_at_a_time(model, F.mse_loss, inputs, targets)
    whole = torch.cat([gradient.flatten(1) for gradient in gradients.values()], dim=1)
    return per_sample(Probe(model, F.mse_loss, inputs, targets)), gradients, whole


def test_variances_are_those_of_numpy() -> None:
    found, gradients, _ = example()
    expected = [gradient.numpy().var(0, ddof=1).sum() for gradient in gradients.values()]
    torch.testing.assert_close(variance_by_parameter(found), torch.tensor(expected))
    means = [gradient.mean(0).square().sum() for gradient in gradients.values()]
    ratios = [(mean - v / 9) / (v / 9) for mean, v in zip(means, expected, strict=True)]
    torch.testing.assert_close(signal_to_noise(found), torch.stack(ratios))


def test_the_noise_is_that_of_batches_of_one_and_of_all() -> None:
    found, _, whole = example()
    parts = noise(found)
    variance = whole.var(0).sum()
    torch.testing.assert_close(parts.variance, variance)
    torch.testing.assert_close(parts.squared_gradient, whole.mean(0).square().sum() - variance / 9)
    torch.testing.assert_close(parts.simple_scale, parts.variance / parts.squared_gradient)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 9.0), st.floats(0.1, 9.0), st.integers(1, 20), st.integers(21, 99))
def test_two_batch_sizes_give_back_what_their_norms_were_made_of(s: float, g: float, small: int, big: int) -> None:
    norms = [torch.tensor(g + s / size, dtype=torch.float64) for size in (small, big)]
    parts = noise_from_two_batch_sizes(norms[0], small, norms[1], big)
    assert float(parts.variance) == pytest.approx(s)
    assert float(parts.squared_gradient) == pytest.approx(g)


def test_one_batch_size_tells_nothing() -> None:
    parts = noise_from_two_batch_sizes(torch.tensor(1.0), 4, torch.tensor(1.0), 4)
    assert math.isnan(parts.variance)
    assert math.isnan(parts.simple_scale)
    assert math.isnan(noise_from_two_batch_sizes(torch.tensor(9.0), 1, torch.tensor(1.0), 2).simple_scale)


def test_averages_of_the_parts_find_the_scale_that_single_ratios_miss() -> None:
    generator = torch.Generator().manual_seed(0)
    mean = torch.full((50,), 0.2, dtype=torch.float64)  # |G|² = 2, tr Σ = 50 · 4 = 200
    parts = []
    for _ in range(400):
        gradients = mean + 2 * torch.randn(16, 50, generator=generator, dtype=torch.float64)
        small, big = gradients.square().sum(1).mean(), gradients.mean(0).square().sum()
        parts.append(noise_from_two_batch_sizes(small, 1, big, 16))
    scales = averaged_noise_scale([float(p.variance) for p in parts], [float(p.squared_gradient) for p in parts], 0.99)
    assert scales[-1] == pytest.approx(100, rel=0.25)


def test_a_decay_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 0 and below 1; got 1\.0"):
        averaged_noise_scale([1.0], [1.0], 1.0)


def test_batch_tests_are_as_in_their_papers() -> None:
    found, _, whole = example()
    mean, size = whole.mean(0), len(whole)
    squared = mean.square().sum()
    tests = batch_tests(found)
    torch.testing.assert_close(tests.norm, (whole.var(0).sum() / size / squared).sqrt())
    torch.testing.assert_close(tests.inner_product, ((whole @ mean).var() / size / squared**2).sqrt())
    across = whole - (whole @ mean / squared)[:, None] * mean
    torch.testing.assert_close(tests.orthogonality, (across.square().sum() / (size - 1) / size / squared).sqrt())


def test_one_example_has_no_variance() -> None:
    model = nn.Linear(3, 2)
    found = per_sample(Probe(model, F.mse_loss, torch.ones(1, 3), torch.ones(1, 2)))
    assert variance_by_parameter(found).isnan().all()
    assert all(value.isnan() for value in batch_tests(found))
    assert noise(found).variance.isnan()


def test_the_variance_of_gradient_descent_by_batches_is_what_the_scale_says() -> None:
    # Lecture 003 eq. 47-48 without replacement: of all batches of two among four, the noise of a step is
    # ε²/N (N/B - 1) F, with F the sample covariance; the lecture draws batches with (N - 1) for N.
    gradients = torch.tensor([1.0, 2.0, 4.0, 9.0], dtype=torch.float64)
    batches = torch.combinations(torch.arange(4), 2)
    steps = 0.1 / 4 * (4 * gradients[batches].mean(1))
    spread = (steps - steps.mean()).square().mean()
    scale = sgd_noise_scale(0.1, train_size=4, batch_size=2)
    torch.testing.assert_close(spread, 0.1 / 4 * scale * gradients.var())


def test_momentum_multiplies_the_noise() -> None:
    assert momentum_noise_scale(0.1, 1000, 10, 0.9) == pytest.approx(100.0)
    assert momentum_noise_scale(0.1, 1000, 10, 0.0) == pytest.approx(sgd_noise_scale(0.1, 1000, 10) + 0.1)


def test_the_suggestion_keeps_the_progress_of_an_example() -> None:
    found = suggested_batch(100.0, learning_rate=0.1, train_size=50_000, batch_size=32)
    assert found.batch_size == 128
    assert found.learning_rate * (1 + 100 / 128) == pytest.approx(0.1 * (1 + 100 / 32))
    assert found.noise_scale_before == pytest.approx(0.1 * (50_000 / 32 - 1))
    assert found.noise_scale_after == pytest.approx(found.learning_rate * (50_000 / 128 - 1))
    assert suggested_batch(1e9, 0.1, train_size=300, batch_size=32).batch_size == 300


REFUSED = {
    "between 1 and all 10 training examples; got 11": lambda: sgd_noise_scale(0.1, 10, 11),
    "learning rate must be positive; got 0.0": lambda: sgd_noise_scale(0.0, 10, 1),
    "momentum must be at least 0 and below 1; got 1.0": lambda: momentum_noise_scale(0.1, 10, 1, 1.0),
    "noise scale must be positive and finite; got nan": lambda: suggested_batch(float("nan"), 0.1, 10, 1),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()
