"""All that can be said of the metric on current rows whose labels have not come."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from shinso.shift.damage._arrays import as_labels, as_losses, as_probabilities, as_weights, check_level
from shinso.shift.damage._average_thresholded_confidence import average_thresholded_confidence
from shinso.shift.damage._balance import confidence_balance
from shinso.shift.damage._confidence import maximum_confidence
from shinso.shift.damage._confidence_shift import MEASURED_WIDENING, confidence_shift
from shinso.shift.damage._damage import Damage, summed_up
from shinso.shift.damage._difference_of_confidences import difference_of_confidences
from shinso.shift.damage._estimate import Estimate
from shinso.shift.damage._importance_weighted_risk import (
    controlled_risk,
    importance_weighted_risk,
    self_normalized_risk,
)
from shinso.shift.damage._label_shift import label_shift_accuracy
from shinso.shift.damage._temperature import fit_temperature, with_temperature


def predict_damage(
    source_probabilities: ArrayLike,
    source_labels: ArrayLike,
    target_probabilities: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    doubts: tuple[str, ...] = (),
    widening: float = MEASURED_WIDENING,
    level: float = 0.9,
) -> Damage:
    """The accuracy to expect on the current (target) rows, by every method, with intervals and what each rests on.

    Probabilities are [rows, classes], of a model that was *not* fitted to the reference (source) rows; labels are the
    columns of the right classes; ``weights`` are current / reference density ratios of the reference rows, where known
    or estimated, and ``doubts`` says what speaks against them (a ratio's ``diagnosis.problems``). Arrays, lists,
    tensors and tables of pandas serve. Probabilities are first brought to the temperature that fits the reference.
    Then there are thresholded confidence and the difference of confidences, label shift where every class has a
    reference row, and with weights the importance-weighted accuracy, alone and with confidence as its control.
    Intervals are for the accuracy that will be measured on these current rows.

    Raises ValueError for arrays that do not fit together or have missing values.

    Confidence-based intervals are widened by ``widening`` × the distance that confidence has moved; the default was
    measured on other shifts than those below, and ``measure_widening`` measures it for one's own model. Coverage at
    levels 0.9 / 0.95 on held-out shifts of real data (``benchmarks/shift_damage.py``):

    - no shift: every method 0.94 to 0.96 / 0.97 to 0.98;
    - digits with other frequencies of classes: label shift 0.94 / 0.96, the others 0.95 to 0.96 / 0.98;
    - breast cancer and wine split along a feature: weighted accuracy 0.88 to 0.99 / 0.93 to 1.00, with known or fitted
      weights; by confidence 0.95 to 0.99 / 0.97 to 1.00; label shift, which does not hold there, down to 0.82 / 0.90;
    - digits noised, or rotated by 5 to 20°: by confidence 0.99 to 1.00, too wide, and label shift doubted from small
      shifts on;
    - digits rotated by 30°: by confidence 0.65 to 0.76 / 0.78 to 0.86, doubted in 9 cases of 10 but wrong in the tenth;
    - labels of two classes exchanged: 0, and no doubt.

    So do not trust it where p(y | x) may have changed: no method sees that, and none says so. Label a few current rows.
    """
    check_level(level)
    source = as_probabilities(source_probabilities, "source_probabilities")
    labels = as_labels(source_labels, len(source), source.shape[1], "source_labels")
    temperature = fit_temperature(source, labels)
    source, target = with_temperature(source, temperature), with_temperature(target_probabilities, temperature)
    correct = (source.argmax(axis=1) == labels).astype(np.float64)
    estimates: tuple[Estimate, ...] = (
        average_thresholded_confidence(source, labels, target, widening=widening, level=level),
        difference_of_confidences(source, labels, target, widening=widening, level=level),
    )
    if len(np.unique(labels)) == source.shape[1]:
        estimates += (label_shift_accuracy(source, labels, target, level=level),)
    confidences = maximum_confidence(source), maximum_confidence(target)
    if weights is not None:
        weighted = _weighted(correct, as_weights(weights, len(correct)), *confidences, level)
        estimates += tuple(estimate.doubted(doubts) for estimate in weighted)
    reference = replace(self_normalized_risk(correct, np.ones(len(correct)), level=level), method="reference")
    predicted = summed_up(estimates, worst=0.0)
    return Damage("accuracy", reference, predicted, estimates, len(target), confidence_shift(*confidences))


def predict_loss(
    losses: ArrayLike, weights: ArrayLike, current_rows: int, *, doubts: tuple[str, ...] = (), level: float = 0.9
) -> Damage:
    """The mean loss to expect on ``current_rows`` current rows, for any loss: squared errors, log losses, costs.

    Losses and weights are one a reference row. There are only the two weighted risks, plain and self-normalised, and
    the summary is of the second, whose docstring says how often its interval covers. Where the weights are wrong, or
    p(y | x) has changed, so is the interval. ``doubts`` is what speaks against the weights (a ratio's
    ``diagnosis.problems``): with one no method is trusted, and the summary says so.
    """
    loss = as_losses(losses)
    plain = importance_weighted_risk(loss, weights, current_rows=current_rows, level=level).doubted(doubts)
    normalized = self_normalized_risk(loss, weights, current_rows=current_rows, level=level).doubted(doubts)
    reference = replace(self_normalized_risk(loss, np.ones(len(loss)), level=level), method="reference")
    return Damage("mean loss", reference, summed_up((normalized,)), (normalized, plain), current_rows)


def _weighted(
    correct: Float[np.ndarray, " rows"],
    weights: Float[np.ndarray, " rows"],
    confidence: Float[np.ndarray, " rows"],
    current_confidence: Float[np.ndarray, " rows2"],
    level: float,
) -> tuple[Estimate, ...]:
    alone = self_normalized_risk(correct, weights, current_rows=len(current_confidence), level=level)
    controlled = controlled_risk(correct, weights, confidence, current_confidence, level=level)
    doubts = confidence_balance(confidence, weights, current_confidence).doubts
    return (
        replace(alone, method="importance weighting").doubted(doubts),
        replace(controlled, method="weighting with control").doubted(doubts),
    )
