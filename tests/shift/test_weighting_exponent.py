"""The choice of an exponent against formulas written out, folds by hand, and the known loss of the example."""

from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.datasets import make_classification
from sklearn.linear_model import Ridge

from shinso.shift.weighting import (
    ImportanceWeightedCrossValidation,
    InformationCriterion,
    LeaveOneOut,
    WeightedLogisticRegression,
    WeightedRegression,
    choose_exponent,
    information_criterion,
    shimodaira_curve,
    shimodaira_example,
    shimodaira_weights,
)
from shinso.shift.weighting._normal_fit import normal_fit
from shinso.shift.weighting._shares import shares


def squared_errors(model: Any, x: Any, y: Any) -> NDArray[np.float64]:
    return np.asarray((model.predict(x) - np.asarray(y)) ** 2)


@pytest.mark.parametrize("exponent", [0.0, 0.4, 1.0])
def test_the_criterion_is_its_formula(exponent: float) -> None:
    example = shimodaira_example(60, 1)
    x, y, ratios = example.x[:, 0], example.y, example.weights
    weights = ratios**exponent
    slope, intercept = np.polyfit(x, y, 1, w=np.sqrt(weights))
    errors = y - intercept - slope * x
    variance = np.average(errors**2, weights=weights)
    # The gradients by intercept, slope and variance, and the Hessian of the three at the fit, on paper.
    scores = np.column_stack([errors, errors * x, (errors**2 / variance - 1) / 2]) / variance
    hessian = np.zeros((3, 3))
    design = np.column_stack([np.ones(60), x])
    hessian[:2, :2] = (design.T * weights) @ design / variance
    hessian[2, 2] = weights.sum() / (2 * variance**2)
    inner = (scores.T * (ratios * weights)) @ scores
    expected = -2 * ratios @ norm.logpdf(errors, 0, variance**0.5) + 2 * np.trace(inner @ np.linalg.inv(hessian))
    found = information_criterion(WeightedRegression(), example.x, y, ratios, exponent)
    assert found == pytest.approx(expected, rel=1e-9)


def test_of_a_right_model_and_equal_weights_it_is_akaikes() -> None:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(40_000, 3))
    y = x.sum(axis=1) + generator.normal(size=40_000)
    model = WeightedRegression()
    found = information_criterion(model, x, y, np.ones(40_000))
    likelihood = model.fit(x, y).log_likelihoods(x, y).sum()
    assert found + 2 * likelihood == pytest.approx(2 * 5, rel=0.03)


def test_a_multiple_of_the_weights_is_a_multiple_of_the_criterion() -> None:
    example = shimodaira_example(60, 1)
    once, thrice = (
        information_criterion(WeightedRegression(), example.x, example.y, factor * example.weights, 0.5)
        for factor in (1, 3)
    )
    assert thrice == pytest.approx(3 * once)


def simulated(draws: int, rows: int, exponent: float) -> tuple[NDArray[np.float64], ...]:
    """By draw of the example the criterion, its leave-one-out kin, the likelihood alone, and the loss they estimate."""
    generator = np.random.default_rng(0)
    x = generator.normal(0.5, 0.5, (draws, rows))
    y = shimodaira_curve(x) + generator.normal(0, 0.3, (draws, rows))
    ratios = shimodaira_weights(x)
    fit = normal_fit(x[..., None], y, ratios**exponent)
    likelihood = -(ratios * fit.log_likelihoods).mean(axis=1)
    criterion = likelihood + (ratios * fit.self_influences).mean(axis=1)
    left_out = -(ratios * fit.left_out_log_likelihoods).mean(axis=1)
    # Moments of N(0, 0.3²): the line's mean squared error on the test inputs, in closed form.
    square, fourth, sixth = 0.3**2, 3 * 0.3**4, 15 * 0.3**6
    slope = fit.coefficients[:, 0] + 1
    error = sixth - 2 * slope * fourth + slope**2 * square + fit.intercept**2 + 0.09
    loss = 0.5 * np.log(2 * np.pi * fit.variance) + error / (2 * fit.variance)
    return criterion, left_out, likelihood, loss


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_both_criteria_estimate_the_loss_on_the_test_inputs(exponent: float) -> None:
    criterion, left_out, likelihood, loss = simulated(3000, 300, exponent)
    for estimate in (criterion, left_out):
        gap = estimate - loss
        assert abs(gap.mean()) < 3 * gap.std() / 3000**0.5
    # What has seen the examples that judge it promises too much.
    seen = likelihood - loss
    assert seen.mean() < -4 * seen.std() / 3000**0.5


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_of_few_examples_leave_one_out_estimates_it_and_the_information_criterion_promises_more(
    exponent: float,
) -> None:
    criterion, left_out, _, loss = simulated(3000, 50, exponent)
    gap, promise = left_out - loss, criterion - loss
    assert abs(gap.mean()) < 2 * gap.std() / 3000**0.5
    assert promise.mean() < -2 * promise.std() / 3000**0.5


def test_leave_one_out_is_cross_validation_with_a_fold_for_each() -> None:
    example = shimodaira_example(25, 2)
    data = (WeightedRegression(), example.x, example.y, example.weights, 0.7)
    folds = ImportanceWeightedCrossValidation(folds=25).losses(*data)
    np.testing.assert_allclose(LeaveOneOut().losses(*data), folds, rtol=1e-9)


def test_cross_validation_is_as_by_hand() -> None:
    example = shimodaira_example(30, 2)
    x, y, ratios = example.x, example.y, example.weights
    found = ImportanceWeightedCrossValidation(folds=3, loss=squared_errors, seed=5).losses(Ridge(), x, y, ratios, 0.5)
    order = np.random.default_rng(5).permutation(30)
    for start in (0, 10, 20):
        test, train = order[start : start + 10], np.delete(order, slice(start, start + 10))
        model = Ridge().fit(x[train], y[train], sample_weight=ratios[train] ** 0.5)
        np.testing.assert_allclose(found[test], ratios[test] * (model.predict(x[test]) - y[test]) ** 2)


def test_the_choice_is_the_mean_of_choices_and_says_how_sure_it_is() -> None:
    example = shimodaira_example(80, 4)
    exponents = (1.0, 0.0, 0.5)
    choice = choose_exponent(WeightedRegression(), example.x, example.y, example.weights, exponents=exponents, seed=7)
    losses = np.stack(
        [LeaveOneOut().losses(WeightedRegression(), example.x, example.y, example.weights, each) for each in exponents]
    )
    np.testing.assert_allclose(choice.criteria, losses.mean(axis=1))
    assert choice.least == exponents[int(losses.mean(axis=1).argmin())]
    np.testing.assert_array_equal(choice.shares, shares(losses, 7))
    best = int(np.abs(np.array(exponents) - choice.shares @ exponents).argmin())
    assert choice.chosen == exponents[best]
    expected = [np.std(each - losses[best], ddof=1) / 80**0.5 for each in losses]
    np.testing.assert_allclose(choice.standard_errors, expected, atol=1e-15)
    kish = [(example.weights**each).sum() ** 2 / (example.weights ** (2 * each)).sum() for each in exponents]
    np.testing.assert_allclose(choice.effective_sizes, kish)
    refitted = WeightedRegression().fit(example.x, example.y, example.weights**choice.chosen)
    np.testing.assert_allclose(choice.model.coef_, refitted.coef_)
    assert pd.DataFrame(choice.table).shape == (3, 5)


def test_the_information_criterion_is_one_of_the_criteria() -> None:
    example = shimodaira_example(80, 4)
    data = (WeightedRegression(), example.x, example.y, example.weights)
    choice = choose_exponent(*data, exponents=(1.0,), criterion=InformationCriterion())
    np.testing.assert_allclose(2 * 80 * choice.criteria[0], information_criterion(*data))


@pytest.mark.parametrize(
    "criterion", [InformationCriterion(), LeaveOneOut(), ImportanceWeightedCrossValidation(folds=4)]
)
def test_a_wrong_model_wants_weights_and_a_right_one_does_not(criterion: Any) -> None:
    example = shimodaira_example(400, 1)
    wrong = choose_exponent(WeightedRegression(), example.x, example.y, example.weights, criterion=criterion)
    assert wrong.chosen >= 0.5
    cubic = example.x ** np.array([1, 2, 3])
    right = choose_exponent(WeightedRegression(), cubic, example.y, example.weights, criterion=criterion)
    chosen = int(np.argmin(right.criteria))
    assert right.criteria[0] - right.criteria[chosen] < 2 * right.standard_errors[0] + 1e-12


def test_classifiers_and_pandas_tables_are_taken() -> None:
    x, y = make_classification(150, 4, flip_y=0.2, class_sep=0.5, random_state=0)
    table, weights = pd.DataFrame(x, columns=list("abcd")), np.exp(0.5 * x[:, 0])
    for criterion in (LeaveOneOut(), InformationCriterion(), ImportanceWeightedCrossValidation(folds=3)):
        model = WeightedLogisticRegression()
        choice = choose_exponent(model, table, pd.Series(y), weights, exponents=(0, 1), criterion=criterion)
        assert list(choice.model.feature_names_in_) == list("abcd")
        assert not hasattr(model, "coef_")


def test_of_many_examples_the_criteria_of_a_classifier_are_cross_validation() -> None:
    x, y = make_classification(2000, 4, n_classes=3, n_informative=4, n_redundant=0, flip_y=0.2, random_state=0)
    weights = np.exp(0.4 * x[:, 0])
    one, other, folds = (
        choose_exponent(WeightedLogisticRegression(), x, y, weights, exponents=(0, 1), criterion=each).criteria
        for each in (InformationCriterion(), LeaveOneOut(), ImportanceWeightedCrossValidation(folds=50))
    )
    fitted = WeightedLogisticRegression().fit(x, y, weights)
    uncorrected = -(weights * fitted.log_likelihoods(x, y)).mean()
    for found in (one, other):
        np.testing.assert_allclose(found, folds, rtol=0.003)
        assert abs(found[1] - folds[1]) < 0.2 * abs(uncorrected - folds[1])


def test_an_impossible_exponent_is_passed_over() -> None:
    # With weights the four others lie on a line exactly; without, the last one keeps them from it.
    x, y = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]), np.array([0.0, 1.0, 2.0, 5.0, 9.0])
    weights = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    choice = choose_exponent(WeightedRegression(), x, y, weights, exponents=(1, 0), criterion=LeaveOneOut())
    assert choice.criteria[0] == np.inf
    assert choice.chosen == choice.least == 0
    np.testing.assert_array_equal(choice.shares, [0, 1])
    with pytest.raises(ValueError, match="the criterion is inf for every exponent: too few examples carry the weight"):
        choose_exponent(WeightedRegression(), x, y, weights, exponents=(1,), criterion=LeaveOneOut())


def test_what_cannot_be_is_named() -> None:
    example = shimodaira_example(6)
    data = (WeightedRegression(), example.x, example.y)
    with pytest.raises(ValueError, match=r"at least one number, such as \(0, 0.5, 1\); got \(\)"):
        choose_exponent(*data, example.weights, exponents=())
    with pytest.raises(ValueError, match="there are 6 examples but 5 weights"):
        choose_exponent(*data, example.weights[:5])
    with pytest.raises(ValueError, match="needs 2 folds or more; got folds=1"):
        ImportanceWeightedCrossValidation(folds=1)
    with pytest.raises(ValueError, match="7 folds need as many examples at least; got 6"):
        choose_exponent(*data, example.weights, criterion=ImportanceWeightedCrossValidation(folds=7))
    whole = ImportanceWeightedCrossValidation(folds=2, loss=lambda model, x, y: np.zeros(()))
    with pytest.raises(ValueError, match=r"one number for each of 3 examples; got an array of shape \(\)"):
        choose_exponent(*data, example.weights, criterion=whole)


def test_a_model_that_does_not_know_its_likelihood_is_told_what_to_use() -> None:
    example = shimodaira_example(20)
    for criterion, method in (
        (InformationCriterion(), "InformationCriterion needs a model with self_influences"),
        (LeaveOneOut(), "LeaveOneOut needs a model with left_out_log_likelihoods"),
        (ImportanceWeightedCrossValidation(), "the loss -log p needs a model with log_likelihoods"),
    ):
        with pytest.raises(TypeError, match=f"{method}, .*Ridge has none: use ImportanceWeightedCrossValidation"):
            choose_exponent(Ridge(), example.x, example.y, example.weights, criterion=criterion)
    squared = ImportanceWeightedCrossValidation(loss=squared_errors)
    choice = choose_exponent(Ridge(), example.x, example.y, example.weights, criterion=squared)
    assert isinstance(choice.model, Ridge)
