"""Weighted logistic regression against SciPy, scikit-learn and automatic differentiation."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import check_estimator
from torch.autograd.functional import hessian, jacobian

from shinso.shift.weighting import WeightedLogisticRegression
from shinso.shift.weighting import _multinomial_curvature as curvature_module
from shinso.shift.weighting import _weighted_logistic_regression as logistic_module


def sample(
    classes: int, rows: int = 120, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.str_], NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, 2)) * [1.0, 40.0] + [3.0, 0.0]
    logits = (x / [1.0, 40.0]) @ generator.normal(size=(2, classes)) + generator.gumbel(size=(rows, classes))
    return x, np.array(["a", "b", "c", "d"])[logits.argmax(axis=1)], generator.gamma(1.0, size=rows)


def test_it_is_a_scikit_learn_estimator() -> None:
    results = check_estimator(WeightedLogisticRegression(), on_skip=None)
    assert len(results) > 40
    assert {result["status"] for result in results} <= {"passed", "skipped"}


def test_two_classes_are_fitted_as_scipy_does() -> None:
    x, y, weights = sample(2)
    design, signs = np.column_stack([np.ones(120), x / [1, 40]]), np.where(y == "b", 1, -1)

    def loss(parameters: NDArray[np.float64]) -> float:
        return float(weights @ np.logaddexp(0, -signs * (design @ parameters)))

    expected = minimize(loss, np.zeros(3), tol=1e-10).x
    model = WeightedLogisticRegression().fit(x, y, weights)
    np.testing.assert_allclose([model.intercept_[0], *model.coef_[0] * [1, 40]], expected, rtol=2e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learn(classes: int) -> None:
    x, y, weights = sample(classes)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000, solver="newton-cg").fit(x, y, weights)
    ours = WeightedLogisticRegression().fit(x, y, weights)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-5)
    assert (ours.predict(x) == theirs.predict(x)).all()
    chosen = np.searchsorted(ours.classes_, y)
    expected = theirs.predict_log_proba(x)[np.arange(120), chosen]
    np.testing.assert_allclose(ours.log_likelihoods(x, y), expected, atol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
def test_self_influences_are_the_gradients_in_the_inverse_hessian(
    classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, weights = sample(classes)
    model = WeightedLogisticRegression().fit(x, y, weights)
    design = torch.tensor(np.column_stack([np.ones(120), x / [1, 40]]))
    numbers, each = torch.tensor(np.searchsorted(model.classes_, y)), torch.tensor(weights)

    def log_likelihoods(parameters: torch.Tensor) -> torch.Tensor:
        free = design @ parameters.reshape(3, classes - 1)
        logits = torch.cat([free, torch.zeros_like(free[:, :1])], dim=1)
        return torch.log_softmax(logits, dim=1)[torch.arange(120), numbers]

    both = np.stack([np.zeros(2), model.coef_[0]]) if classes == 2 else model.coef_
    intercepts = np.append(0, model.intercept_) if classes == 2 else model.intercept_
    rows = np.vstack([intercepts, both.T * np.array([[1], [40]])])
    fitted = torch.tensor((rows - rows[:, -1:])[:, :-1].ravel())
    scores = jacobian(log_likelihoods, fitted)  # type: ignore[no-untyped-call]
    curvature = -hessian(lambda parameters: (each * log_likelihoods(parameters)).sum(), fitted)  # type: ignore[no-untyped-call]
    expected = (each * ((scores @ torch.linalg.inv(curvature)) * scores).sum(dim=1)).numpy()
    np.testing.assert_allclose(model.self_influences(x, y, weights), expected, rtol=1e-6)
    monkeypatch.setattr(curvature_module, "_CELLS", 50)
    np.testing.assert_allclose(model.self_influences(x, y, weights), expected, rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_taken_out_is_one_newton_step_on_the_likelihood_of_the_others(
    classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, weights = sample(classes)
    weights[7] = 0
    model = WeightedLogisticRegression().fit(x, y, weights)
    design = torch.tensor(np.column_stack([np.ones(120), x / [1, 40]]))
    numbers, each = torch.tensor(np.searchsorted(model.classes_, y)), torch.tensor(weights)

    def log_likelihoods(parameters: torch.Tensor) -> torch.Tensor:
        free = design @ parameters.reshape(3, classes - 1)
        logits = torch.cat([torch.zeros_like(free[:, :1]), free], dim=1)
        return torch.log_softmax(logits, dim=1)[torch.arange(120), numbers]

    coefficients = np.column_stack([model.intercept_, model.coef_ * [1, 40]])
    coefficients = coefficients if classes == 2 else coefficients[1:] - coefficients[0]
    fitted = torch.tensor(coefficients.T.ravel())
    expected = []
    for row in (0, 7, 50, 119):
        others = each * (torch.arange(120) != row)
        gradient = jacobian(lambda parameters, others=others: others @ log_likelihoods(parameters), fitted)  # type: ignore[no-untyped-call]
        curvature = hessian(lambda parameters, others=others: others @ log_likelihoods(parameters), fitted)  # type: ignore[no-untyped-call]
        expected.append(float(log_likelihoods(fitted - torch.linalg.solve(curvature, gradient))[row]))
    monkeypatch.setattr(logistic_module, "_FAR", np.inf)
    found = model.left_out_log_likelihoods(x, y, weights)
    np.testing.assert_allclose(found[[0, 7, 50, 119]], expected, rtol=1e-5)
    monkeypatch.setattr(curvature_module, "_CELLS", 50)
    np.testing.assert_allclose(model.left_out_log_likelihoods(x, y, weights), found, rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_left_out_likelihoods_are_nearly_those_of_refitting(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = make_classification(
        120, 3, n_informative=3, n_redundant=0, n_classes=classes, n_clusters_per_class=1, flip_y=0.3, random_state=1
    )
    weights = np.random.default_rng(0).gamma(2.0, size=120)
    model = WeightedLogisticRegression().fit(x, y, weights)
    expected = np.empty(120)
    for row in range(120):
        others = np.arange(120) != row
        refitted = WeightedLogisticRegression().fit(x[others], y[others], weights[others])
        expected[row] = refitted.log_likelihoods(x[[row]], y[[row]])[0]
    found, likelihoods = model.left_out_log_likelihoods(x, y, weights), model.log_likelihoods(x, y)
    first = likelihoods - model.self_influences(x, y, weights)
    assert abs((found - expected).mean()) < 0.2 * abs((first - expected).mean())
    assert abs((found - expected).mean()) < 0.05 * abs((likelihoods - expected).mean())
    monkeypatch.setattr(logistic_module, "_FAR", 0)
    monkeypatch.setattr(logistic_module, "_MOST_REFITS", 120)
    np.testing.assert_allclose(model.left_out_log_likelihoods(x, y, weights), expected, rtol=1e-4)


def test_where_the_others_have_no_fit_the_step_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.array([0.0, 1, 2, 3, 4, 5, 6, 1.7])[:, None]
    separated, lonely = np.array([0, 0, 0, 1, 1, 1, 1, 1]), np.array([0, 1, 0, 1, 1, 0, 1, 2])
    for y in (separated, lonely):
        model = WeightedLogisticRegression().fit(x, y)
        found = model.left_out_log_likelihoods(x, y)
        with monkeypatch.context() as patch:
            patch.setattr(logistic_module, "_FAR", np.inf)
            stepped = model.left_out_log_likelihoods(x, y)
        assert found[7] == stepped[7] < model.log_likelihoods(x, y)[7] - 0.1


def test_steps_from_one_equation_are_those_by_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, weights = sample(4)
    model = WeightedLogisticRegression().fit(x, y, weights)
    monkeypatch.setattr(logistic_module, "_MOST_REFITS", 0)
    mixed = model.left_out_log_likelihoods(x, y, weights)
    monkeypatch.setattr(curvature_module, "_CERTAIN", -1.0)
    by_directions = model.left_out_log_likelihoods(x, y, weights)
    np.testing.assert_allclose(mixed, by_directions, rtol=1e-9)
    # Only rows that surely leave the others something to say are so solved; here that is nearly all.
    ((_, pull),) = curvature_module.pulls(x, np.searchsorted(model.classes_, y), model.predict_proba(x), weights)
    curved = curvature_module.curvatures(model.predict_proba(x))
    owned = np.trace(pull.gains @ curved, axis1=1, axis2=2)
    assert (owned < 0.99).mean() > 0.9


def test_an_example_of_which_the_others_know_nothing_stays_where_it_is() -> None:
    x, y, weights = sample(2)
    alone = np.column_stack([x, np.arange(120) == 5])
    model = WeightedLogisticRegression().fit(alone, y, weights)
    found = model.left_out_log_likelihoods(alone, y, weights)
    np.testing.assert_allclose(found[5], model.log_likelihoods(alone, y)[5])
    others = np.arange(120) != 5
    without = WeightedLogisticRegression().fit(x[others], y[others], weights[others])
    expected = without.left_out_log_likelihoods(x[others], y[others], weights[others])
    np.testing.assert_allclose(found[others], expected, rtol=1e-3)


def test_a_repeated_column_changes_no_influence() -> None:
    x, y, weights = sample(2)
    twice = np.column_stack([x, x[:, 0]])
    once, doubled = (WeightedLogisticRegression().fit(table, y, weights) for table in (x, twice))
    np.testing.assert_allclose(
        doubled.self_influences(twice, y, weights), once.self_influences(x, y, weights), rtol=1e-4
    )
    np.testing.assert_allclose(
        doubled.left_out_log_likelihoods(twice, y, weights), once.left_out_log_likelihoods(x, y, weights), rtol=1e-4
    )


@pytest.mark.parametrize("value", [3.0, 0.1, -1234.567, 1e-7])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_constant_column_says_nothing(classes: int, value: float) -> None:
    x, y, weights = sample(classes)
    wider = np.column_stack([x, np.full(120, value)])
    plain = WeightedLogisticRegression().fit(x, y, weights)
    widened = WeightedLogisticRegression().fit(wider, y, weights)
    assert (widened.coef_[:, 2] == 0).all()
    np.testing.assert_allclose(widened.predict_proba(wider), plain.predict_proba(x), atol=1e-9)
    for method in ("left_out_log_likelihoods", "self_influences"):
        found, expected = getattr(widened, method)(wider, y, weights), getattr(plain, method)(x, y, weights)
        np.testing.assert_allclose(found, expected, atol=1e-7)


def test_weights_have_no_scale() -> None:
    x, y, weights = sample(3)
    small, large = (WeightedLogisticRegression().fit(x, y, factor * weights) for factor in (1e-6, 1e6))
    np.testing.assert_allclose(small.coef_, large.coef_, rtol=1e-6)


def test_an_unknown_class_is_named() -> None:
    x, y, _ = sample(2)
    model = WeightedLogisticRegression().fit(x, y)
    with pytest.raises(ValueError, match=r"fitted to the classes \['a', 'b'\] and knows no .*'z'"):
        model.log_likelihoods(x[:2], ["a", "z"])


@pytest.mark.parametrize("weights", [np.ones(20), np.append(np.ones(19), 0.0)])
def test_separated_classes_have_no_criterion(weights: NDArray[np.float64]) -> None:
    x = np.linspace(-1, 1, 20)[:, None]
    y = (x[:, 0] > 0).astype(int)
    y[-1] = y[-1] if weights[-1] else 0
    model = WeightedLogisticRegression().fit(x, y, weights)
    for judged in (model.self_influences, model.left_out_log_likelihoods):
        with pytest.raises(ValueError, match="a plane separates the 2 classes, so no likelihood is the largest"):
            judged(x, y, weights)
