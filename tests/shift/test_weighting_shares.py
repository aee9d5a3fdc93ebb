"""How often each exponent would win against normal integrals and resampling, and what the mean of choices costs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from shinso.shift.weighting import shimodaira_curve, shimodaira_weights
from shinso.shift.weighting._normal_fit import normal_fit
from shinso.shift.weighting._shares import shares


def test_of_two_the_share_is_that_of_a_normal_difference() -> None:
    losses = np.random.default_rng(0).gamma(2.0, size=(2, 60))
    difference = losses[1] - losses[0]
    expected = norm.cdf(difference.mean() / (difference.std() / 60**0.5))
    assert 0.05 < expected < 0.95
    assert shares(losses)[0] == pytest.approx(expected, abs=0.05)


def test_of_three_the_share_is_that_of_resampled_examples() -> None:
    generator = np.random.default_rng(0)
    losses = generator.gamma(2.0, size=(3, 400)) + generator.normal(size=400)
    losses -= 0.9 * (losses.mean(axis=1) - losses.mean())[:, None]
    counts = generator.multinomial(400, np.full(400, 1 / 400), size=4000)
    expected = np.bincount((losses @ counts.T).argmin(axis=0), minlength=3) / 4000
    assert expected.min() > 0.1
    np.testing.assert_allclose(shares(losses), expected, atol=0.05)
    np.testing.assert_array_equal(shares(losses, 3), shares(8 * losses, np.random.default_rng(3)))
    assert (shares(losses, 3) != shares(losses, 4)).any()


@given(candidates=st.integers(1, 6), rows=st.integers(1, 8), seed=st.integers(0, 10**6))
def test_shares_are_shares_and_what_is_never_the_least_has_none(candidates: int, rows: int, seed: int) -> None:
    losses = np.random.default_rng(seed).normal(size=(candidates, rows))
    found = shares(np.vstack([losses, losses[0] + 1, np.full(rows, np.inf)]), seed)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    np.testing.assert_array_equal(found[-2:], 0)


def test_where_none_is_finite_there_are_no_shares() -> None:
    with pytest.raises(ValueError, match="no candidate has a finite mean loss"):
        shares(np.full((2, 3), np.inf))


def test_a_mean_of_choices_costs_less_than_choices_and_little_more_than_the_best() -> None:
    generator, exponents = np.random.default_rng(1), np.linspace(0, 1, 11)
    x = generator.normal(0.5, 0.5, (600, 50))
    y = shimodaira_curve(x) + generator.normal(0, 0.3, (600, 50))
    ratios, losses, parts = shimodaira_weights(x), [], []
    for exponent in exponents:
        fit = normal_fit(x[..., None], y, ratios**exponent)
        slope = fit.coefficients[:, 0] + 1
        error = 15 * 0.3**6 - 6 * slope * 0.3**4 + slope**2 * 0.3**2 + fit.intercept**2 + 0.09
        losses.append(0.5 * np.log(2 * np.pi * fit.variance) + error / (2 * fit.variance))
        parts.append(-ratios * fit.left_out_log_likelihoods)
    loss, part, draws = np.stack(losses), np.stack(parts), np.arange(600)
    least = loss[part.mean(axis=2).argmin(axis=0), draws].mean()
    means = np.array([shares(part[:, draw]) @ exponents for draw in draws])
    chosen = loss[np.abs(exponents[:, None] - means).argmin(axis=0), draws].mean()
    assert chosen < least
    assert chosen < 1.05 * loss.mean(axis=1).min()
