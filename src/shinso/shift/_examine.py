"""From two sets of data to what a practitioner asks: did it move, where, what will it cost, and does weighting help."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from shinso.shift._examination import Examination
from shinso.shift.damage import Damage, predict_damage, predict_loss
from shinso.shift.detection import detect, feature_matrices
from shinso.shift.ratio import DensityRatio, NoOverlap, PoorOverlap, density_ratio
from shinso.shift.weighting import ExponentChoice, choose_exponent

_MOST_CLASSES = 100
_MOST_ROWS, _MOST_FEATURES = 5000, 60
"""Of the reference, for the model by which weighting is tried."""


@dataclass(frozen=True)
class Predictions:
    """What a model says of both sets, fitted to neither: probabilities of classes, or numbers."""

    reference: Float[np.ndarray, "rows *classes"]
    current: Float[np.ndarray, "rows2 *classes"]


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
    reference [rows] (classes, or numbers) a linear model tells whether weighting would help; with a model's
    ``predictions`` as well, of classes in the order of their numbers, its accuracy (or mean squared error) on the
    current rows is predicted. Weights are of ``density_ratio`` on the columns as ``detect`` tests them: numbers
    standardised, missing ones at the mean beside a column that says so, levels as columns of 0 and 1. Where the two
    do not overlap there are none, and nothing that rests on them.

    Raises ValueError as ``detect`` does, for targets of another length, and for predictions without targets.
    Source: lecture 000, covariate shift; the parts have their own.
    """
    found = detect(reference, current, features=features, level=level, seed=seed)
    matrices = feature_matrices(reference, current, features=features)
    ratio, no_weights = _ratio(matrices.reference, matrices.current)
    labels = None if targets is None else _checked(targets, len(matrices.reference))
    if predictions is not None and labels is None:
        raise ValueError("the cost of a shift needs the reference's targets beside the model's predictions")
    weighting, not_tried = (
        _weighting(matrices.reference, labels, ratio) if found.moved else (None, "nothing has to be weighted")
    )
    return Examination(
        found=found,
        names=matrices.names,
        ratio=ratio,
        no_weights=no_weights,
        weighting=weighting,
        not_tried=not_tried,
        damage=None if predictions is None or labels is None else _damage(labels, predictions, ratio),
    )


def _ratio(reference: np.ndarray, current: np.ndarray) -> tuple[DensityRatio | None, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PoorOverlap)  # the diagnosis says the same
        try:
            return density_ratio(current, reference), ""
        except NoOverlap as reason:
            return None, str(reason)


def _checked(targets: ArrayLike, rows: int) -> Shaped[np.ndarray, " rows"]:
    found = np.asarray(targets)
    if found.shape[:1] != (rows,):
        raise ValueError(f"there is one target for each of the {rows} reference rows; got an array of {found.shape}")
    return found.reshape(rows, -1)[:, 0] if found.ndim > 1 else found


def _are_classes(targets: Shaped[np.ndarray, " rows"]) -> bool:
    return targets.dtype.kind not in "f" and len(np.unique(targets)) <= _MOST_CLASSES


def _weighting(
    x: np.ndarray, targets: np.ndarray | None, ratio: DensityRatio | None
) -> tuple[ExponentChoice | None, str]:
    """How far a linear model would better be weighted, or why that is not known."""
    if targets is None:
        return None, "it takes the reference's targets (--target COLUMN)"
    if x.shape[1] > _MOST_FEATURES:
        return None, f"it is tried on at most {_MOST_FEATURES} features, and there are {x.shape[1]}"
    from shinso.shift.weighting import WeightedLogisticRegression, WeightedRegression

    rows = np.random.default_rng(0).permutation(len(x))[:_MOST_ROWS]
    weights = None if ratio is None else ratio.denominator_weights[rows]
    if weights is None or not weights.sum() > 0 or len(np.unique(targets[rows])) < 2:
        return None, "no row has a weight, or all targets are the same"
    classes = _are_classes(targets)
    model = WeightedLogisticRegression() if classes else WeightedRegression()
    y = targets[rows] if classes else targets[rows].astype(np.float64)
    try:
        return choose_exponent(model, x[rows], y, weights / weights.mean()), ""
    except ValueError as reason:
        return None, str(reason)


def _damage(targets: np.ndarray, predictions: Predictions, ratio: DensityRatio | None) -> Damage | None:
    weights = None if ratio is None else ratio.denominator_weights
    if predictions.reference.ndim == 2 and _are_classes(targets):
        return predict_damage(predictions.reference, targets, predictions.current, weights=weights)
    if weights is None:
        return None
    errors = (predictions.reference.reshape(len(targets)) - targets) ** 2
    return replace(predict_loss(errors, weights, len(predictions.current)), metric="mean squared error")
