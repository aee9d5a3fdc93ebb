"""Weighted logistic regression as a scikit-learn classifier that knows its likelihood."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted, validate_data

from shinso.shift.weighting._checked_weights import checked_weights
from shinso.shift.weighting._column_scales import column_scales
from shinso.shift.weighting._multinomial_curvature import curvatures, pulls

_FAR = 0.5
_MOST_REFITS = 20


class WeightedLogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Maximum weighted likelihood of log-odds that are linear in x, for two classes or more, with no penalty.

    A scikit-learn classifier, after ``fit`` with ``classes_``, ``coef_`` [classes or 1, features] and ``intercept_``;
    the search is scikit-learn's, on standardised features.

    What weights do is said at ``WeightedRegression``. Where a plane separates the classes there is no largest
    likelihood: coefficients then grow until the search stops, and neither they nor the probabilities mean
    anything; a criterion is refused. Use scikit-learn's ``LogisticRegression``, which has a penalty and also takes
    ``sample_weight``, with ``ImportanceWeightedCrossValidation`` there.
    Source: Shimodaira 2000, section 2; lecture 000, covariate shift.
    """

    def fit(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> "WeightedLogisticRegression":
        """Itself, fitted to x [rows, features] and the classes y [rows], each row weighing as given, or all alike.

        Raises ValueError for missing or infinite values, for tables and targets of unequal length, for fewer than two
        classes, and for weights that are negative, not finite, or all zero.
        """
        table, labels = validate_data(self, x, y, dtype=np.float64)
        weights = np.ones(len(labels)) if sample_weight is None else checked_weights(sample_weight, len(labels))
        weighed = weights > 0
        mean = np.average(table, axis=0, weights=weights)
        deviation = np.sqrt(np.average((table - mean) ** 2, axis=0, weights=weights))
        deviation = column_scales(deviation, table, weights)
        # With no penalty the scale of the weights is free, and with mean 1 the search stops at the same point for all.
        search = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)
        search.fit(((table - mean) / deviation)[weighed], labels[weighed], weights[weighed] / weights[weighed].mean())
        self.classes_ = search.classes_
        self.coef_ = search.coef_ / deviation
        self.intercept_ = search.intercept_ - self.coef_ @ mean
        return self

    def decision_function(self, x: ArrayLike) -> Float[np.ndarray, "rows *classes"]:
        """The log-odds of the second class [rows] where there are two; else each class's, up to a constant."""
        check_is_fitted(self)
        table = validate_data(self, x, dtype=np.float64, reset=False)
        scores: Float[np.ndarray, "rows *classes"] = table @ self.coef_.T + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_log_proba(self, x: ArrayLike) -> Float[np.ndarray, "rows classes"]:
        """The logarithms of the classes' probabilities, in nats."""
        from scipy.special import log_softmax

        scores = self.decision_function(x)
        both = np.stack([np.zeros(len(scores)), scores], axis=1) if scores.ndim == 1 else scores
        return np.asarray(log_softmax(both, axis=1))

    def predict_proba(self, x: ArrayLike) -> Float[np.ndarray, "rows classes"]:
        """The probability of each class, in the order of ``classes_``."""
        probabilities: Float[np.ndarray, "rows classes"] = np.exp(self.predict_log_proba(x))
        return probabilities

    def predict(self, x: ArrayLike) -> np.ndarray:
        """The most probable class of each row."""
        check_is_fitted(self)
        scores = self.decision_function(x)
        most = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        classes: np.ndarray = self.classes_[most]
        return classes

    def log_likelihoods(self, x: ArrayLike, y: ArrayLike) -> Float[np.ndarray, " rows"]:
        """The log-probabilities of the classes y [rows] given x [rows, features], in nats.

        Raises ValueError for a class that the training data did not have.
        """
        numbers = self._numbers(y)
        likelihoods: Float[np.ndarray, " rows"] = self.predict_log_proba(x)[np.arange(len(numbers)), numbers]
        return likelihoods

    def self_influences(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Float[np.ndarray, " rows"]:
        """How much the log-likelihood of each row of the training data owes to its own part in the fit, in nats.

        The data and weights are those of ``fit``. Raises ValueError where a plane separates the classes.
        """
        parts = pulls(*self._fitted_to(x, y, sample_weight))
        return np.concatenate([pull.influences for _, pull in parts])

    def left_out_log_likelihoods(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Float[np.ndarray, " rows"]:
        """The log-probabilities of the training data's classes, each row's under the fit to all others, in nats.

        That fit is one step of Newton's from the fit to all, which is as good as exact but for examples whose log-odds
        move far: the 20 that move farthest, if by more than 1/2, are left out in earnest. An example on whose log-odds
        the others say nothing keeps them. The data and weights are those of ``fit``.
        Raises ValueError where a plane separates the classes. Source: Pregibon 1981; Rad and Maleki 2020.
        """
        from scipy.special import log_softmax

        table, numbers, probabilities, weights = self._fitted_to(x, y, sample_weight)
        parts = pulls(table, numbers, probabilities, weights)
        moves = np.concatenate([pull.withdrawn(curvatures(probabilities[part])) for part, pull in parts])
        scores = self.predict_log_proba(x)
        scores[:, :-1] += moves
        likelihoods: Float[np.ndarray, " rows"] = log_softmax(scores, axis=1)[np.arange(len(numbers)), numbers]
        distances = np.abs(moves).max(axis=1)
        for row in np.argsort(-distances)[:_MOST_REFITS]:
            if distances[row] > _FAR:
                likelihoods[row] = _left_out(table, numbers, weights, int(row), otherwise=float(likelihoods[row]))
        return likelihoods

    def _fitted_to(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[
        Float[np.ndarray, "rows features"],
        Int[np.ndarray, " rows"],
        Float[np.ndarray, "rows classes"],
        Float[np.ndarray, " rows"],
    ]:
        numbers = self._numbers(y)
        weights = np.ones(len(numbers)) if sample_weight is None else checked_weights(sample_weight, len(numbers))
        probabilities = self.predict_proba(x)
        # Were each example more likely right than wrong, steeper coefficients would make all of them likelier still.
        if (probabilities.argmax(axis=1) == numbers)[weights > 0].all():
            raise ValueError(
                f"a plane separates the {len(self.classes_)} classes, so no likelihood is the largest and no criterion "
                "exists: use sklearn's LogisticRegression, which has a penalty, with ImportanceWeightedCrossValidation"
            )
        return np.asarray(x, dtype=np.float64), numbers, probabilities, weights

    def _numbers(self, y: ArrayLike) -> Int[np.ndarray, " rows"]:
        check_is_fitted(self)
        labels = np.asarray(y)
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"the model was fitted to the classes {self.classes_.tolist()} and knows no {unknown[0]!r}; "
                "every fold and every sample must have all classes"
            )
        return np.searchsorted(self.classes_, labels)


def _left_out(
    x: Float[np.ndarray, "rows features"],
    numbers: Int[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    row: int,
    *,
    otherwise: float,
) -> float:
    """The log-probability of the row's class under the fit to all others, or that given where they have no such fit."""
    others = weights > 0
    others[row] = False
    if len(np.unique(numbers[others])) <= numbers.max():
        return otherwise
    fitted = WeightedLogisticRegression().fit(x[others], numbers[others], weights[others])
    if (fitted.predict(x[others]) == numbers[others]).all():
        return otherwise
    return float(fitted.log_likelihoods(x[[row]], numbers[[row]])[0])
