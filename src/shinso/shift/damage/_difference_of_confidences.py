"""Accuracy on the current data as that on the reference, less the fall of the model's mean confidence."""

import numpy as np
from numpy.typing import ArrayLike

from shinso.shift.damage._arrays import as_predictions, check_level
from shinso.shift.damage._confidence import maximum_confidence
from shinso.shift.damage._confidence_shift import (
    MEASURED_WIDENING,
    confidence_shift,
    doubts_of_confidence,
    systematic_variance,
)
from shinso.shift.damage._estimate import Estimate
from shinso.shift.damage._intervals import Shares, share_interval

SAME_GAP = "accuracy falls as much as mean confidence: the model is as over-confident as on the reference"


def difference_of_confidences(
    source_probabilities: ArrayLike,
    source_labels: ArrayLike,
    target_probabilities: ArrayLike,
    *,
    widening: float = MEASURED_WIDENING,
    level: float = 0.9,
) -> Estimate:
    """The reference's accuracy, less its mean confidence, plus the current rows' mean confidence.

    Probabilities are [rows, classes], labels the columns of the right classes. The interval is for the accuracy that
    will be measured on these current rows; it is that of a difference of two means of (correct - confidence).
    Confidence is the largest probability.

    The interval holds where the gap between accuracy and confidence stays what it was. Networks grow over-confident on
    what they have not seen, so that this one is usually too hopeful under strong shift. Do not trust it after a change
    of p(y | x). See ``predict_damage`` for the widening that was measured.
    Source: Guillory et al. 2021 (DoC; the difference taken as it is, without their fitted slope).
    """
    check_level(level)
    source, labels, target = as_predictions(source_probabilities, source_labels, target_probabilities)
    correct = (source.argmax(axis=1) == labels).astype(np.float64)
    confidence, current = maximum_confidence(source), maximum_confidence(target)
    gap = float((correct - confidence).mean())
    value = min(max(gap + float(current.mean()), 0.0), 1.0)
    shift = confidence_shift(confidence, current)
    shares = Shares(correct, correct - confidence - gap, np.ones(len(correct)))
    interval = share_interval(value, shares, len(target), level, further_variance=systematic_variance(shift, widening))
    return Estimate(
        "difference of confidences",
        value,
        interval.low,
        interval.high,
        level,
        interval.variance**0.5,
        float(len(correct)),
        SAME_GAP,
        doubts=doubts_of_confidence(shift),
    )
