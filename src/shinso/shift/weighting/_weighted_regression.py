"""Weighted least squares as a scikit-learn regressor that knows its likelihood."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from shinso.shift.weighting._checked_weights import checked_weights
from shinso.shift.weighting._normal_fit import NormalFit, normal_fit, normal_log_density


class WeightedRegression(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Maximum weighted likelihood of y = intercept + x·coefficients + N(0, variance): weighted least squares.

    A scikit-learn regressor, after ``fit`` with ``coef_`` [features], ``intercept_`` and ``variance_``; for a
    polynomial, transform x by ``PolynomialFeatures(degree, include_bias=False)`` first.

    With the ratio of the test to the training density of x as weights, the fit goes, as examples become many, to the
    model's best for the test inputs; without them to its best for the training inputs. The two differ only where the
    model is wrong: for a right model the unweighted fit is the better one, for weights add variance. ``variance_`` is
    the maximum likelihood estimate, too small by the parameters' share of a small sample.
    Source: Shimodaira 2000, section 2; lecture 000, covariate shift, eq 2.4-2.5 and fig. 1.
    """

    def fit(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> "WeightedRegression":
        """Itself, fitted to x [rows, features] and y [rows], each row weighing as given, or all alike.

        Raises ValueError for missing or infinite values, for tables and targets of unequal length, and for weights
        that are negative, not finite, or all zero.
        """
        table, targets = validate_data(self, x, y, y_numeric=True, dtype=np.float64)
        fit = _fitted(table, targets, sample_weight)
        self.coef_, self.intercept_, self.variance_ = fit.coefficients, float(fit.intercept), float(fit.variance)
        return self

    def predict(self, x: ArrayLike) -> Float[np.ndarray, " rows"]:
        """The means of y for x [rows, features]."""
        check_is_fitted(self)
        table = validate_data(self, x, dtype=np.float64, reset=False)
        predictions: Float[np.ndarray, " rows"] = table @ self.coef_ + self.intercept_
        return predictions

    def log_likelihoods(self, x: ArrayLike, y: ArrayLike) -> Float[np.ndarray, " rows"]:
        """The log-densities of y [rows] given x [rows, features], in nats.

        Raises ValueError where the fit left no error at all, for then the model has no density.
        """
        residuals = np.asarray(y, dtype=np.float64) - self.predict(x)
        return normal_log_density(residuals, np.array([self._positive_variance()]))

    def self_influences(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Float[np.ndarray, " rows"]:
        """How much the log-likelihood of each row of the training data owes to its own part in the fit, in nats.

        The data and weights are those of ``fit``. Raises ValueError where the fit left no error at all.
        """
        return self._refitted(x, y, sample_weight).self_influences

    def left_out_log_likelihoods(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Float[np.ndarray, " rows"]:
        """The log-densities of the training data, each row's under the fit to all others, in nats; exact.

        It is minus infinity where these fit each other without an error. The data and weights are those of ``fit``.
        Raises ValueError where the fit left no error at all.
        """
        fit = self._refitted(x, y, sample_weight)
        densities = fit.left_out_log_likelihoods
        table, targets = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        # There are at most as many of these as coefficients.
        for row in np.flatnonzero(fit.alone):
            densities[row] = _left_out_log_density(table, targets, fit.weights, int(row))
        return densities

    def _refitted(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> NormalFit:
        check_is_fitted(self)
        self._positive_variance()
        table, targets = validate_data(self, x, y, y_numeric=True, dtype=np.float64, reset=False)
        return _fitted(table, targets, sample_weight)

    def _positive_variance(self) -> float:
        if not self.variance_ > 0:
            raise ValueError(
                f"the fit of {self.n_features_in_} features left no error, so its normal model has no density: "
                "give more examples than coefficients, or fewer features"
            )
        return self.variance_


def _left_out_log_density(
    x: Float[np.ndarray, "rows features"], y: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"], row: int
) -> float:
    others = np.arange(len(y)) != row
    fit = normal_fit(x[others], y[others], weights[others])
    if not fit.variance > 0:
        return -np.inf
    residual = y[[row]] - fit.intercept - x[[row]] @ fit.coefficients
    return float(normal_log_density(residual, np.asarray(fit.variance)[None])[0])


def _fitted(x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> NormalFit:
    table, targets = np.asarray(x), np.asarray(y, dtype=np.float64)
    weights = np.ones(len(targets)) if sample_weight is None else checked_weights(sample_weight, len(targets))
    return normal_fit(table, targets, weights)
