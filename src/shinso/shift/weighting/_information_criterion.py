"""Shimodaira's information criterion for weighted likelihood."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from shinso.shift.weighting._checked_weights import checked_weights
from shinso.shift.weighting._flattened import flattened
from shinso.shift.weighting._weighted_likelihood import WeightedLikelihood, check_offers


@dataclass(frozen=True)
class InformationCriterion:
    """How ``choose_exponent`` judges: by Shimodaira's information criterion, per example and halved.

    It is the published one, right where examples are many for the parameters. With few it promises too much, and most
    where weights are full: of the line of ``shimodaira_example`` by 0.044 nats at n = 50 (its loss is 0.33), by 0.001
    at n = 300. ``LeaveOneOut``, as cheap, does not. The figures are those of benchmarks/shift_weighting.py.
    """

    def losses(
        self, model: WeightedLikelihood, x: Any, y: Any, weights: ArrayLike, exponent: float
    ) -> Float[np.ndarray, " rows"]:
        """What each example adds to the estimate of the loss -log p on the test inputs, in nats; it is their mean."""
        check_offers(model, "self_influences", "InformationCriterion")
        ratios, used = checked_weights(weights, len(y)), flattened(weights, exponent)
        fitted = copy.deepcopy(model)
        fitted.fit(x, y, sample_weight=used)
        losses: Float[np.ndarray, " rows"] = ratios * (
            fitted.self_influences(x, y, used) - fitted.log_likelihoods(x, y)
        )
        return losses


def information_criterion(
    model: WeightedLikelihood, x: Any, y: Any, weights: ArrayLike, exponent: float = 1.0
) -> float:
    """IC_w = -2 Σ r log p + 2 tr(J H⁻¹) of the model fitted with the weights r to the power λ; lower is better.

    IC_w / 2n estimates the expected loss -log p, in nats per example, on test inputs of ``weights`` times the density
    of the training inputs. J = Σ r^λ r s sᵀ and H = -Σ r^λ ∂²log p, s the gradient of log p, all at the fit: the trace
    is what the fit owes to having seen the very examples that judge it. With r = 1 it is Takeuchi's criterion, and
    Akaike's where besides the model is right.

    x is [rows, features], y [rows], weights [rows] the ratio q₁/q₀ of the test to the training density, of mean about
    1: a multiple of it multiplies the criterion, and changes no comparison. Do not trust it where few examples carry
    the weight (an ``effective_sizes`` under ten times the parameters). The model itself is left as it was. Raises
    ValueError for weights that are negative, not finite, all zero or of another length, and what the model raises.
    Source: Shimodaira 2000, IC_w; lecture 000, the abstract; Takeuchi 1976.
    """
    return 2 * float(InformationCriterion().losses(model, x, y, weights, exponent).sum())
