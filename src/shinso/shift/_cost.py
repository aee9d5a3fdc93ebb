"""What a model will do on the current rows, and whether that can be relied on."""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from shinso.shift._targets import are_numbers
from shinso.shift.damage import Damage, predict_damage, predict_loss
from shinso.shift.ratio import DensityRatio

Both = tuple[Float[np.ndarray, "rows *classes"], Float[np.ndarray, "rows2 *classes"]]


def checked_predictions(reference: Any, current: Any, rows: tuple[int, int]) -> Both:
    """Both as numbers [rows] or probabilities [rows, classes], one for each row; raises ValueError where they are not.

    Arrays, lists, tensors and tables serve.
    """
    before, after = _numbers(reference, "reference", rows[0]), _numbers(current, "current", rows[1])
    if before.shape[1:] != after.shape[1:]:
        raise ValueError(
            f"predictions of both sides are one model's; the reference's have the shape {before.shape}, the current "
            f"{after.shape}: give probabilities of the same classes, or one number a row, for both"
        )
    return before, after


def _numbers(values: Any, which: str, rows: int) -> Float[np.ndarray, "rows *classes"]:
    # NumPy knows no bfloat16.
    found = np.asarray(values.detach().cpu().double() if hasattr(values, "detach") else values)
    try:
        numbers = found.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"predictions are numbers, or probabilities of classes; the {which} ones are like '{found.ravel()[0]}': "
            "give what predict_proba returns"
        ) from None
    if numbers.ndim not in (1, 2) or len(numbers) != rows:
        raise ValueError(
            f"there is one prediction for each {which} row, {rows} in all; got an array of {found.shape}: give the "
            "model's predictions on the rows that are compared, in their order"
        )
    return numbers[:, 0] if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers


def out_of_reach(ratio: DensityRatio | None) -> str:
    """What part of the current rows nothing in the reference stands for; "" if that is under 5 %, or may be chance."""
    if ratio is None:
        return "the samples do not overlap, and nothing in the reference stands for the current rows"
    if not ratio.diagnosis.uncovered:
        return ""
    share = ratio.diagnosis.overlap.outside
    return f"{share:.1%} of the current rows lie where the reference has nearly none, and no weighting stands for them"


def check_targets_of(predictions: Both, targets: Shaped[np.ndarray, " rows"]) -> None:
    """Raises ValueError for targets that predictions cannot be compared with: text, and what is no column of theirs."""
    if not are_numbers(targets):
        raise ValueError(
            f"beside predictions the targets are numbers; they are like '{targets[0]}': give each row's column of the "
            "probabilities, 0, 1, … (np.unique(targets, return_inverse=True)[1] for a scikit-learn classifier)"
        )
    if predictions[0].ndim == 2:
        columns = predictions[0].shape[1]
        wrong = [target for target in np.unique(targets).tolist() if target not in range(columns)]
        if wrong:
            raise ValueError(
                f"beside probabilities of {columns} classes the targets are their columns, 0 to {columns - 1}; got "
                f"{wrong[0]}: give each class's column, or for a number one prediction a row"
            )


def predicted_cost(
    targets: Shaped[np.ndarray, " rows"] | None, predictions: Both | None, ratio: DensityRatio | None, doubt: str
) -> tuple[Damage | None, str]:
    """The accuracy or the mean squared error on the current rows, or why it is not known.

    ``doubt`` is one about the whole, or "".
    """
    if targets is None or predictions is None:
        return None, "it takes a model and the reference's targets (--model RUN)"
    problems = () if ratio is None else ratio.diagnosis.problems
    weights = None if ratio is None else ratio.denominator_weights
    before, after = predictions
    if before.ndim == 2:
        found = predict_damage(before, targets, after, weights=weights, doubts=problems)
    elif weights is None:
        return (
            None,
            "a mean squared error is predicted by weights alone, and there are none, for the samples do not overlap",
        )
    else:
        errors = (before - targets.astype(np.float64)) ** 2
        found = replace(predict_loss(errors, weights, len(after), doubts=problems), metric="mean squared error")
    doubts = (doubt, *found.predicted.doubts) if doubt else found.predicted.doubts
    return replace(found, predicted=replace(found.predicted, doubts=doubts)), ""
