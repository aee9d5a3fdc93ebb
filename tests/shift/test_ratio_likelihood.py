"""KLIEP's maximum against a general optimizer, and logistic regression against scikit-learn's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from shinso.shift.ratio import KLIEP, Logistic, linear, with_humps, with_products, with_squares
from shinso.shift.ratio._folds import folds_of
from shinso.shift.ratio._kliep import mixture_proportions, most_likely


def test_the_proportions_are_those_of_a_general_optimizer() -> None:
    components = np.random.default_rng(0).gamma(0.7, size=(40, 4))
    found = minimize(
        lambda u: -np.log(components @ u).mean(),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda u: u.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    ours = mixture_proportions(components, 1e-9, 100_000)
    assert ours == pytest.approx(found.x, abs=1e-4)
    assert np.log(components @ ours).mean() == pytest.approx(-found.fun, abs=1e-8)


@given(st.integers(0, 10_000), st.floats(1e-3, 0.5))
@settings(deadline=None, max_examples=25)
def test_the_likelihood_is_short_of_the_greatest_by_no_more_than_the_tolerance(seed: int, tolerance: float) -> None:
    components = np.random.default_rng(seed).gamma(0.5, size=(15, 3)) + 1e-9
    rough, fine = (np.log(components @ mixture_proportions(components, t, 100_000)).mean() for t in (tolerance, 1e-7))
    assert -1e-6 <= fine - rough <= tolerance


def test_rows_that_no_kernel_reaches_change_nothing() -> None:
    components = np.random.default_rng(1).gamma(0.5, size=(15, 3))
    with_strays = np.concatenate([components, np.zeros((4, 3))])
    assert mixture_proportions(with_strays, 1e-6, 9999) == pytest.approx(mixture_proportions(components, 1e-6, 9999))
    assert mixture_proportions(np.zeros((5, 4)), 1e-6, 10) == pytest.approx(np.full(4, 0.25))


def test_the_mean_weight_of_the_denominator_is_held_at_one() -> None:
    rng = np.random.default_rng(2)
    ratio = KLIEP(centres=30).fit(rng.normal(1, 1, (80, 2)), rng.normal(0, 1, (120, 2)))
    assert ratio.diagnosis.mean_weight == pytest.approx(1.0, abs=1e-10)


def test_the_coefficients_are_those_of_a_general_optimizer() -> None:
    rng = np.random.default_rng(8)
    above, below = rng.uniform(size=(40, 4)), rng.uniform(size=(25, 4))
    # A mean below that is greater by 0.1/√25 is a penalty on the sum of the coefficients.
    bounded = below.mean(axis=0) + 0.1 / 5
    found = minimize(
        lambda theta: -np.log(above @ theta).mean(),
        np.full(4, 1 / bounded.sum()),
        bounds=[(0, None)] * 4,
        constraints={"type": "eq", "fun": lambda theta: bounded @ theta - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    expected = found.x / (below.mean(axis=0) @ found.x)
    assert most_likely(above, below, 1e-9, 100_000) == pytest.approx(expected, abs=1e-3)
    assert (below @ most_likely(above, below, 1e-9, 100_000)).mean() == pytest.approx(1)


def test_where_the_denominator_has_no_row_by_chance_the_ratio_does_not_run_away() -> None:
    above = np.array([[1.0, 0.0]] * 99 + [[0.0, 1.0]])
    below = np.array([[1.0, 0.0]] * 100)
    ratio = above @ most_likely(above, below, 1e-6, 10_000)
    # One row in a hundred, where the second kernel's mean is 0 ± 0.01.
    assert ratio[-1] == pytest.approx(0.01 / 0.01 / (0.99 / 1.01), rel=1e-3)


def test_held_out_rows_take_their_kernels_along() -> None:
    above, below = np.arange(35.0).reshape(7, 5), np.arange(100.0, 130.0).reshape(6, 5)
    folds = list(folds_of(above, below, 3))
    assert len(folds) == 3
    assert folds[1].held_above.tolist() == above[[1, 4]][:, [0, 2, 3]].tolist()
    assert folds[1].above.tolist() == above[[0, 2, 3, 5, 6]][:, [0, 2, 3]].tolist()
    assert folds[1].held_below.tolist() == below[[1, 4]][:, [0, 2, 3]].tolist()
    assert folds[1].below.tolist() == below[[0, 2, 3, 5]][:, [0, 2, 3]].tolist()


def test_the_score_of_a_width_is_of_rows_that_were_not_fitted() -> None:
    rng = np.random.default_rng(9)
    above, below = rng.uniform(size=(23, 4)), rng.uniform(size=(31, 4))
    expected = []
    for fold in range(3):
        kernels = [kernel for kernel in range(4) if kernel % 3 != fold]
        others = [np.delete(phi, np.arange(fold, len(phi), 3), 0)[:, kernels] for phi in (above, below)]
        theta = most_likely(others[0], others[1], 1e-2, 200)
        expected.append(np.log(above[fold::3, kernels] @ theta).mean() - (below[fold::3, kernels] @ theta).mean())
    assert KLIEP(folds=3)._held_out_likelihood(above, below) == pytest.approx(np.mean(expected))


def test_of_a_hundred_rows_no_width_is_too_narrow() -> None:
    errors = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        p, q = rng.normal(0, 0.3, 100), rng.normal(0.5, 0.5, 100)
        truth = np.exp(((q - 0.5) / 0.5) ** 2 / 2 - (q / 0.3) ** 2 / 2)
        truth /= truth.mean()
        weights = KLIEP().fit(p, q).denominator_weights
        errors.append(((weights / weights.mean() - truth) ** 2).sum() / (truth**2).sum())
    # With rows of the numerator alone held out it was 0.19, and 0.83 at worst.
    assert np.mean(errors) < 0.07
    assert max(errors) < 0.25


def test_without_tuning_it_is_scikit_learns_odds() -> None:
    rng = np.random.default_rng(3)
    p, q = rng.normal(0.5, 1, (60, 2)), rng.normal(0, 1, (180, 2))
    ratio = Logistic(features=(linear,), penalties=(2.0,), reach=np.inf).fit(p, q)
    both, labels = np.concatenate([p, q]), np.repeat([1, 0], [60, 180])
    # Equal weight of both samples makes the scale; then that of all rows, for the penalty.
    spread = np.sqrt((p.var(0) + q.var(0)) / 2 + (p.mean(0) - q.mean(0)) ** 2 / 4)
    rows = (both - both.mean(0)) / spread
    rows /= rows.std(0)
    logits = LogisticRegression(C=0.5, tol=1e-10).fit(rows, labels).decision_function(rows)
    assert ratio.log_weights(both) == pytest.approx(logits - np.log(60 / 180), abs=1e-3)


def test_the_numbers_of_rows_do_not_change_the_ratio() -> None:
    rng = np.random.default_rng(4)
    p, q = rng.normal(0.7, 1, 3000), rng.normal(0, 1, 300)
    x = np.linspace(-1, 2, 7)
    assert Logistic().fit(p, q).log_weights(x) == pytest.approx(0.7 * x - 0.245, abs=0.35)


def test_beyond_the_reach_the_ratio_is_as_there() -> None:
    rng = np.random.default_rng(5)
    ratio = Logistic(reach=2.0).fit(rng.normal(1, 1, 500), rng.normal(0, 1, 500))
    far = ratio.weights(np.array([2.0, 50.0, 1000.0]))
    assert far[1] == far[2] > far[0]


def test_features_are_those_their_names_say() -> None:
    rows = np.array([[1.0, -2.0, 0.5]])
    assert linear(rows).tolist() == rows.tolist()
    assert with_squares(rows).tolist() == [[1, -2, 0.5, 1, 4, 0.25]]
    assert with_products(rows).tolist() == [[1, -2, 0.5, 1, 4, 0.25, -1.5, 0.5, -0.75]]
    assert with_humps(rows).shape == (1, 18)
    assert with_humps(rows)[0, 3 + 3 * 3] == 1.0


def test_the_likelihood_chooses_the_features_that_are_needed() -> None:
    rng = np.random.default_rng(6)
    q = rng.normal(0, 1, (1500, 2))
    assert Logistic().fit(0.5 * rng.normal(0, 1, (1500, 2)), q).diagnosis.tuning["features"] >= 4
    correlated = rng.normal(0, 1, (1500, 2)) @ np.linalg.cholesky(np.array([[1, 0.7], [0.7, 1]])).T
    assert Logistic().fit(correlated, q).diagnosis.tuning["features"] == 5


def test_features_of_too_many_columns_are_not_tried() -> None:
    rng = np.random.default_rng(7)
    many = rng.normal(size=(60, 90))
    assert Logistic(penalties=(100.0,)).fit(many + 0.1, many[::-1]).diagnosis.tuning["features"] <= 180
