"""Weighted least squares against scikit-learn, SciPy, automatic differentiation, and refitting."""

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.linear_model import LinearRegression
from sklearn.utils.estimator_checks import check_estimator
from torch.autograd.functional import hessian, jacobian

from shinso.shift.weighting import WeightedRegression
from shinso.shift.weighting._normal_fit import normal_fit

Arrays = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def sample(rows: int = 40, features: int = 3, seed: int = 0) -> Arrays:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, features)) * np.array([1.0, 30.0, 0.02])[:features] + 5
    y = np.sin(x).sum(axis=1) + generator.normal(size=rows)
    return x, y, generator.gamma(1.0, size=rows)


def test_it_is_a_scikit_learn_estimator() -> None:
    results = check_estimator(WeightedRegression(), on_skip=None)
    assert len(results) > 40
    assert {result["status"] for result in results} <= {"passed", "skipped"}


def test_the_fit_is_that_of_scikit_learn() -> None:
    x, y, weights = sample()
    ours, theirs = WeightedRegression().fit(x, y, weights), LinearRegression().fit(x, y, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)
    residuals = y - theirs.predict(x)
    np.testing.assert_allclose(ours.variance_, np.average(residuals**2, weights=weights), rtol=1e-10)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-10)


def test_no_weights_are_equal_weights() -> None:
    x, y, _ = sample()
    plain, equal = WeightedRegression().fit(x, y), WeightedRegression().fit(x, y, np.full(40, 7.0))
    np.testing.assert_allclose(plain.coef_, equal.coef_, rtol=1e-10)
    np.testing.assert_allclose(plain.variance_, equal.variance_, rtol=1e-10)


def test_a_repeated_column_changes_no_prediction() -> None:
    x, y, weights = sample()
    twice = np.column_stack([x, x[:, 0], np.ones(40)])
    once, doubled = WeightedRegression().fit(x, y, weights), WeightedRegression().fit(twice, y, weights)
    np.testing.assert_allclose(doubled.predict(twice), once.predict(x), rtol=1e-9)
    influences = once.self_influences(x, y, weights)
    np.testing.assert_allclose(doubled.self_influences(twice, y, weights), influences, rtol=1e-7)


@given(seed=st.integers(0, 10**6), power=st.integers(-3, 4), rows=st.integers(8, 60))
@settings(max_examples=40, deadline=None)
def test_a_constant_column_says_nothing(seed: int, power: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    x, y, weights = sample(rows, 2, seed)
    # Among the weighed examples alone it is constant, and their mean is rounded.
    weights[0] = 0
    constant = np.full(rows, generator.normal() * 10.0**power)
    constant[0] += 1
    wider = np.column_stack([x, constant])
    plain, widened = WeightedRegression().fit(x, y, weights), WeightedRegression().fit(wider, y, weights)
    assert widened.coef_[2] == 0
    np.testing.assert_allclose(widened.predict(wider), plain.predict(x), rtol=1e-9, atol=1e-9)
    for method in ("left_out_log_likelihoods", "self_influences"):
        found, expected = getattr(widened, method)(wider, y, weights), getattr(plain, method)(x, y, weights)
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_many_draws_with_a_constant_column_each_leave_it_out() -> None:
    x, y, weights = sample()
    draws = np.stack([weights, weights[::-1], np.sqrt(weights)])
    wider = np.column_stack([x, np.full(40, 0.1)])
    fits = [normal_fit(np.broadcast_to(table, (3, *table.shape)), np.stack([y] * 3), draws) for table in (x, wider)]
    assert (fits[1].coefficients[:, 3] == 0).all()
    np.testing.assert_allclose(fits[1].left_out_log_likelihoods, fits[0].left_out_log_likelihoods, rtol=1e-7)


def test_columns_in_very_different_units_are_all_used() -> None:
    x, y, weights = sample()
    units = np.array([1e-9, 1.0, 1e12])
    plain, scaled = WeightedRegression().fit(x, y, weights), WeightedRegression().fit(x * units, y, weights)
    np.testing.assert_allclose(scaled.coef_ * units, plain.coef_, rtol=1e-8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(6, 30))
def test_whole_weights_are_repeated_examples(seed: int, rows: int) -> None:
    x, y, _ = sample(rows, 2, seed)
    counts = np.random.default_rng(seed).integers(1, 4, rows)
    weighted = WeightedRegression().fit(x, y, counts)
    repeated = WeightedRegression().fit(x.repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(weighted.variance_, repeated.variance_, rtol=1e-8)


def test_likelihoods_are_those_of_the_normal_distribution() -> None:
    x, y, weights = sample()
    model = WeightedRegression().fit(x, y, weights)
    expected = norm.logpdf(y, model.predict(x), model.variance_**0.5)
    np.testing.assert_allclose(model.log_likelihoods(x, y), expected, rtol=1e-12)


def test_leverages_are_the_diagonal_of_the_hat_matrix() -> None:
    x, y, weights = sample()
    design = np.column_stack([np.ones(40), x])
    weighed = design.T * weights
    hat = design @ np.linalg.inv(weighed @ design) @ weighed
    np.testing.assert_allclose(normal_fit(x, y, weights).leverages, np.diag(hat), rtol=1e-6)


def test_self_influences_are_the_gradients_in_the_inverse_hessian() -> None:
    x, y, weights = sample(features=2)
    model = WeightedRegression().fit(x, y, weights)
    design = torch.tensor(np.column_stack([np.ones(40), x]))
    targets, each = torch.tensor(y), torch.tensor(weights)

    def log_likelihoods(parameters: torch.Tensor) -> torch.Tensor:
        errors, variance = targets - design @ parameters[:-1], parameters[-1]
        return -0.5 * (2 * torch.pi * variance).log() - errors.square() / (2 * variance)

    fitted = torch.tensor([model.intercept_, *model.coef_, model.variance_], dtype=torch.float64)
    scores = jacobian(log_likelihoods, fitted)  # type: ignore[no-untyped-call]
    curvature = -hessian(lambda parameters: (each * log_likelihoods(parameters)).sum(), fitted)  # type: ignore[no-untyped-call]
    np.testing.assert_allclose((each @ scores).numpy(), 0, atol=1e-8)
    expected = each * ((scores @ torch.linalg.inv(curvature)) * scores).sum(dim=1)
    np.testing.assert_allclose(model.self_influences(x, y, weights), expected.numpy(), rtol=1e-6)


def left_out(x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    found = []
    for row in range(len(y)):
        others = np.arange(len(y)) != row
        refitted = WeightedRegression().fit(x[others], y[others], weights[others])
        found.append(refitted.log_likelihoods(x[[row]], y[[row]])[0])
    return np.array(found)


@pytest.mark.parametrize("alone", [False, True])
def test_left_out_likelihoods_are_those_of_refitting(alone: bool) -> None:
    x, y, weights = sample(12, 2)
    weights[3] = 0
    if alone:
        x = np.column_stack([x, np.arange(12) == 5])
    model = WeightedRegression().fit(x, y, weights)
    np.testing.assert_allclose(model.left_out_log_likelihoods(x, y, weights), left_out(x, y, weights), rtol=1e-8)


def test_an_example_that_decides_alone_is_known_as_such() -> None:
    x, y = np.array([[0.0], [0.0], [0.0], [1.0]]), np.array([0.0, 1.0, 0.5, 3.0])
    fit = normal_fit(x, y, np.ones(4))
    np.testing.assert_array_equal(fit.alone, [False, False, False, True])
    assert fit.left_out_log_likelihoods[3] == -np.inf
    found = WeightedRegression().fit(x, y).left_out_log_likelihoods(x, y)
    np.testing.assert_allclose(found[3], norm.logpdf(3.0, 0.5, (0.5 / 3) ** 0.5))


def test_what_the_others_fit_without_error_is_impossible() -> None:
    x, y = np.array([[0.0], [1.0], [2.0], [3.0], [9.0]]), np.array([0.0, 1.0, 2.0, 3.0, 5.0])
    found = WeightedRegression().fit(x, y).left_out_log_likelihoods(x, y)
    np.testing.assert_array_equal(found == -np.inf, np.arange(5) == 4)


def test_thousands_at_once_are_as_one_by_one() -> None:
    generator = np.random.default_rng(0)
    x, y, weights = generator.normal(size=(7, 9, 2)), generator.normal(size=(7, 9)), generator.gamma(1, size=(7, 9))
    together = normal_fit(x, y, weights)
    for draw in range(7):
        alone = WeightedRegression().fit(x[draw], y[draw], weights[draw])
        np.testing.assert_allclose(together.coefficients[draw], alone.coef_, rtol=1e-10)
        np.testing.assert_allclose(together.variance[draw], alone.variance_, rtol=1e-10)
        influences = alone.self_influences(x[draw], y[draw], weights[draw])
        np.testing.assert_allclose(together.self_influences[draw], influences, rtol=1e-9)


def test_tables_of_pandas_keep_their_names() -> None:
    x, y, weights = sample()
    model = WeightedRegression().fit(pd.DataFrame(x, columns=["a", "b", "c"]), pd.Series(y), pd.Series(weights))
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    np.testing.assert_allclose(model.coef_, WeightedRegression().fit(x, y, weights).coef_)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(39), "there are 40 examples but 39 weights"),
        (np.ones((40, 1)), r"a vector; got an array of shape \(40, 1\)"),
        (np.append(np.ones(39), -2.0), "finite and not negative; got -2.0 for example 39"),
        (np.append(np.ones(38), [np.nan, np.inf]), "got nan for example 38 and 1 more such"),
        (np.zeros(40), "all weights are zero: no training example lies where the test inputs do"),
    ],
)
def test_bad_weights_are_named(weights: NDArray[np.float64], message: str) -> None:
    x, y, _ = sample()
    with pytest.raises(ValueError, match=message):
        WeightedRegression().fit(x, y, weights)


def test_a_fit_without_error_has_no_density() -> None:
    x = np.array([[0.1], [1.3], [2.7]])
    model = WeightedRegression().fit(x, 3 * x[:, 0] + 0.7)
    with pytest.raises(ValueError, match="fit of 1 features left no error, so its normal model has no density"):
        model.log_likelihoods(x, np.zeros(3))


def test_missing_values_and_unequal_lengths_are_refused() -> None:
    x, y, _ = sample()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        WeightedRegression().fit(np.where(x > 5, np.nan, x), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        WeightedRegression().fit(x, y[:-1])
    with pytest.raises(ValueError, match="X has 2 features, but WeightedRegression is expecting 3"):
        WeightedRegression().fit(x, y).predict(x[:, :2])
