"""From two sets of data to what a practitioner asks: did it move, where, what will it cost, and does weighting help."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from shinso.shift._cost import check_targets_of, checked_predictions, out_of_reach, predicted_cost
from shinso.shift._examination import Examination
from shinso.shift._targets import MOST_CLASSES, are_classes, checked_targets
from shinso.shift.detection import detect, feature_matrices
from shinso.shift.ratio import DensityRatio, NoOverlap, PoorOverlap, density_ratio
from shinso.shift.weighting import ExponentChoice, choose_exponent

_MOST_ROWS, _MOST_FEATURES, _MOST_COEFFICIENTS = 5000, 60, 600
"""Of the reference, for the model by which weighting is tried."""


@dataclass(frozen=True)
class Predictions:
    """What a model says of both sets, fitted to neither: probabilities [rows, classes], or numbers [rows]."""

    reference: ArrayLike
    current: ArrayLike


def examine(
    reference: Any,
    current: Any,
    *,
    targets: ArrayLike | None = None,
    predictions: Predictions | None = None,
    features: Callable[[Any], Any] | None = None,
    level: float = 0.05,
    seed: int = 0,
) -> Examination:
    """All that can be said of how current data differ from a reference; ``print`` it for one page.

    ``reference`` and ``current`` are what ``detect`` takes, and ``features`` is for it. With ``targets`` of the
    reference [rows] a linear model tells whether weighting would help: they are classes where they are text, truth
    values or at most 20 different whole numbers, else numbers. With a model's ``predictions`` as well its mean squared
    error on the current rows is predicted, or for probabilities its accuracy; then targets are their columns, 0, 1, ….
    Weights are of ``density_ratio`` on the columns as ``detect`` tests them: numbers standardised, missing ones at the
    mean beside a column that says so, levels as columns of 0 and 1. Where the two do not overlap there are none, and
    where more than 5 % of the current rows (of few rows more, see ``Diagnosis.uncovered``) lie outside the reference
    the predicted cost is not to be relied on.

    Raises ValueError as ``detect`` does, for targets and predictions that are not one for each row, for text where a
    number is needed, and for predictions without targets.
    Source: lecture 000, covariate shift; the parts have their own.
    """
    matrices = feature_matrices(reference, current, features=features)
    rows = len(matrices.reference), len(matrices.current)
    labels = None if targets is None else checked_targets(targets, rows[0])
    both = None if predictions is None else checked_predictions(predictions.reference, predictions.current, rows)
    if both is not None and labels is None:
        raise ValueError("the cost of a shift needs the reference's targets beside the model's predictions")
    if both is not None and labels is not None:
        check_targets_of(both, labels)
    found = detect(reference, current, features=features, level=level, seed=seed)
    ratio, no_weights = _ratio(matrices.reference, matrices.current)
    doubt = out_of_reach(ratio)
    damage, no_cost = predicted_cost(labels, both, ratio, doubt)
    classes = labels is not None and (are_classes(labels) or (both is not None and both[0].ndim == 2))
    weighting, not_tried = (
        _weighting(matrices.reference, labels, classes, ratio) if found.moved else (None, "nothing has to be weighted")
    )
    return Examination(
        found=found,
        names=matrices.names,
        ratio=ratio,
        no_weights=no_weights,
        weighting=weighting,
        not_tried=not_tried,
        damage=damage,
        no_cost=no_cost,
        out_of_reach=doubt,
    )


def _ratio(reference: np.ndarray, current: np.ndarray) -> tuple[DensityRatio | None, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorOverlap)  # the diagnosis says the same
        try:
            return density_ratio(current, reference), ""
        except NoOverlap as reason:
            return None, str(reason)


def _weighting(
    x: np.ndarray, targets: np.ndarray | None, classes: bool, ratio: DensityRatio | None
) -> tuple[ExponentChoice | None, str]:
    """How far a linear model would better be weighted, or why that is not known."""
    if targets is None:
        return None, "it takes the reference's targets (--target COLUMN)"
    if ratio is None:
        return None, "there are no weights"
    rows = np.random.default_rng(0).permutation(len(x))[:_MOST_ROWS]
    weights, some = ratio.denominator_weights[rows], targets[rows]
    reason = _too_much(x.shape[1], len(np.unique(some)), classes)
    if reason or not weights.sum() > 0:
        return None, reason or "no row of the reference has a weight"
    from shinso.shift.weighting import WeightedLogisticRegression, WeightedRegression

    model = WeightedLogisticRegression() if classes else WeightedRegression()
    y = some if classes else some.astype(np.float64)
    try:
        return choose_exponent(model, x[rows], y, weights / weights.mean()), ""
    except ValueError as error:
        return None, str(error)


def _too_much(features: int, distinct: int, classes: bool) -> str:
    """Why a linear model of so much is not tried, or "" if it is."""
    if features > _MOST_FEATURES:
        return f"it is tried on at most {_MOST_FEATURES} features, and there are {features}"
    if distinct < 2:
        return "all targets are the same"
    if classes and distinct > MOST_CLASSES:
        return f"it is tried on at most {MOST_CLASSES} classes, and the targets have {distinct}"
    if classes and distinct * features > _MOST_COEFFICIENTS:
        return (
            f"it is tried on at most {_MOST_COEFFICIENTS} coefficients, and {distinct} classes of {features} features "
            f"have {distinct * features:,}"
        )
    return ""
