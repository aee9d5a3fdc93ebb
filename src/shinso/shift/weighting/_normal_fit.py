"""Weighted least squares as maximum likelihood of a normal model, for one data set or thousands at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from shinso.shift.weighting._column_scales import column_scales


@dataclass(frozen=True)
class NormalFit:
    """The line or plane of largest weighted likelihood, with what each example had to do with it."""

    coefficients: Float[np.ndarray, "*draws d"]
    intercept: Float[np.ndarray, "*draws"]
    variance: Float[np.ndarray, "*draws"]
    """The weighted mean squared residual: the maximum likelihood estimate, with no correction for the parameters."""
    weights: Float[np.ndarray, "*draws n"]
    residuals: Float[np.ndarray, "*draws n"]
    leverages: Float[np.ndarray, "*draws n"]
    """The diagonal of the hat matrix: how far a target pulls its own prediction."""

    @property
    def log_likelihoods(self) -> Float[np.ndarray, "*draws n"]:
        """Each example's own log-density under the fit, in nats."""
        return normal_log_density(self.residuals, self.variance[..., None])

    @property
    def self_influences(self) -> Float[np.ndarray, "*draws n"]:
        """How much each example's log-likelihood owes to its own part in the fit, to first order, in nats.

        It is w·sᵀH⁻¹s with s the gradient of the log-likelihood and H the weighted negative Hessian, which for this
        model falls into the mean's part and the variance's.
        """
        squared = self.residuals**2 / self.variance[..., None]
        share = self.weights / self.weights.sum(axis=-1, keepdims=True)
        influences: Float[np.ndarray, "*draws n"] = squared * self.leverages + share / 2 * (squared - 1) ** 2
        return influences

    @property
    def left_out_log_likelihoods(self) -> Float[np.ndarray, "*draws n"]:
        """Each example's log-density under the fit to all others, exactly and without refitting, in nats.

        It is minus infinity where the others fit each other without an error, and for examples that decide ``alone``.
        """
        kept = 1 - self.leverages
        total = self.weights.sum(axis=-1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            remaining = (self.variance[..., None] * total - self.weights * self.residuals**2 / kept) / (
                total - self.weights
            )
            densities = normal_log_density(self.residuals / kept, remaining)
        possible = ~self.alone & (remaining > 1e-12 * self.variance[..., None])
        return np.where(possible, densities, -np.inf)

    @property
    def alone(self) -> Bool[np.ndarray, "*draws n"]:
        """Whether an example decides a coefficient on which the others say nothing, as the only one of a level does."""
        return self.leverages > 1 - 1e-9


def normal_fit(
    x: Float[np.ndarray, "*draws n d"], y: Float[np.ndarray, "*draws n"], weights: Float[np.ndarray, "*draws n"]
) -> NormalFit:
    """The fit of y = intercept + x·coefficients + N(0, variance) that maximises Σ w log p.

    Where columns depend on each other, the smallest coefficients (of columns scaled alike) are taken; a constant
    column's is 0. A variance that is rounding error alone is given as 0.
    """
    shares = weights / weights.sum(axis=-1, keepdims=True)
    x_mean, y_mean = (shares[..., None] * x).sum(axis=-2), (shares * y).sum(axis=-1)
    centred, targets = x - x_mean[..., None, :], y - y_mean[..., None]
    rows = np.sqrt(shares)[..., None] * centred
    # Columns in units as different as grams and kilometres must not look dependent to the decomposition.
    scales = column_scales(np.linalg.norm(rows, axis=-2), x, weights)
    rows /= scales[..., None, :]
    along, basis = _least_squares(rows, np.sqrt(shares) * targets)
    coefficients = along / scales
    residuals = targets - (centred @ coefficients[..., None])[..., 0]
    variance = (shares * residuals**2).sum(axis=-1)
    rounding = 64 * np.finfo(np.float64).eps * np.abs(y).max(axis=-1)
    return NormalFit(
        coefficients=coefficients,
        intercept=np.asarray(y_mean - (x_mean * coefficients).sum(axis=-1)),
        variance=np.where(variance > rounding**2, variance, 0),
        weights=weights,
        residuals=residuals,
        leverages=shares + ((rows @ basis) ** 2).sum(axis=-1),
    )


def _least_squares(
    rows: Float[np.ndarray, "*draws n d"], targets: Float[np.ndarray, "*draws n"]
) -> tuple[Float[np.ndarray, "*draws d"], Float[np.ndarray, "*draws d rank"]]:
    """The smallest least-squares solution, and a matrix that makes the rows' columns orthonormal."""
    features = rows.shape[-1]
    # With the targets as a last column the orthogonal factor, as tall as the table, is never made.
    triangle = np.asarray(np.linalg.qr(np.concatenate([rows, targets[..., None]], axis=-1), mode="r"))
    left, values, right = np.linalg.svd(triangle[..., :features], full_matrices=False)
    tolerance = max(rows.shape[-2:]) * np.finfo(np.float64).eps
    held = values > tolerance * values.max(axis=-1, initial=0, keepdims=True)
    inverse = np.divide(held, values, out=np.zeros_like(values), where=held)
    basis = np.swapaxes(right, -1, -2) * inverse[..., None, :]
    along = basis @ (np.swapaxes(left, -1, -2) @ triangle[..., features:])
    return along[..., 0], basis


def normal_log_density(
    residuals: Float[np.ndarray, "*draws n"], variance: Float[np.ndarray, "*#draws #n"]
) -> Float[np.ndarray, "*draws n"]:
    """The logarithm of the normal density of these variances at these distances from its mean."""
    density: Float[np.ndarray, "*draws n"] = -0.5 * (np.log(2 * np.pi * variance) + residuals**2 / variance)
    return density
