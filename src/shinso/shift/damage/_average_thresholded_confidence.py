"""Accuracy on the current data as the share of rows whose confidence exceeds a threshold learnt on the reference."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
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
from shinso.shift.damage._intervals import Shares, pseudo_rows, share_interval

SAME_THRESHOLD = "the threshold of confidence that fits the reference fits the current rows"

Score = Callable[[Float[np.ndarray, "rows classes"]], Float[np.ndarray, " rows"]]


def average_thresholded_confidence(
    source_probabilities: ArrayLike,
    source_labels: ArrayLike,
    target_probabilities: ArrayLike,
    *,
    score: Score = maximum_confidence,
    widening: float = MEASURED_WIDENING,
    level: float = 0.9,
) -> Estimate:
    """The share of current rows surer than the threshold above which lie as many reference rows as are right.

    Probabilities are [rows, classes], labels the columns of the right classes. ``score`` maps probabilities to one
    number a row, larger where surer. The interval is for the accuracy that will be measured on these current rows: the
    threshold's error is carried over by moving it one standard error either way (Woodruff 1952), the current rows'
    noise is added. Rows that tie with the threshold count in the share that they count at the reference.

    The interval holds where as many current errors lie above the threshold as right rows lie below: not exactly so for
    any real shift, and not at all where p(y | x) changes or where the model is sure of what it has never seen. See
    ``predict_damage`` for the widening that was measured. Source: Garg et al. 2022, section 4 (ATC).
    """
    check_level(level)
    source, labels, target = as_predictions(source_probabilities, source_labels, target_probabilities)
    correct = (source.argmax(axis=1) == labels).astype(np.float64)
    scores, current = score(source), np.sort(score(target))
    threshold = _Threshold(np.sort(scores))
    errors = float(1 - correct.mean())
    shares = Shares(correct, correct - 1 + threshold.below(scores, errors), np.ones(len(correct)))
    pseudo = pseudo_rows(level)
    spread = errors * (1 - errors) + pseudo / len(correct) / 2
    step = (shares.unexplained(2, pseudo) * spread) ** 0.5
    fewer, predicted, more = (
        threshold.share_below(current, min(max(errors + move, 0.0), 1.0)) for move in (-step, 0.0, step)
    )
    shift = confidence_shift(scores, current)
    variance = max(more - predicted, predicted - fewer) ** 2 + systematic_variance(shift, widening)
    interval = share_interval(1 - predicted, shares, len(target), level, further_variance=variance, reference_noise=0.0)
    return Estimate(
        "average thresholded confidence",
        1 - predicted,
        interval.low,
        interval.high,
        level,
        interval.variance**0.5,
        float(len(correct)),
        SAME_THRESHOLD,
        doubts=doubts_of_confidence(shift),
    )


@dataclass(frozen=True)
class _Threshold:
    """Thresholds by the share of the reference that lies below them."""

    reference: Float[np.ndarray, " rows"]
    """Sorted scores."""

    def _at(self, share: float) -> tuple[float, float]:
        """The threshold, and which part of the rows that tie with it counts as below."""
        value = float(self.reference[max(math.ceil(share * len(self.reference) - 1e-9), 1) - 1])
        left, right = np.searchsorted(self.reference, value), np.searchsorted(self.reference, value, "right")
        return value, (share * len(self.reference) - float(left)) / float(right - left)

    def share_below(self, scores: Float[np.ndarray, " rows"], share: float) -> float:
        """The share of these sorted scores below the threshold that has ``share`` of the reference below it."""
        value, part = self._at(share)
        left, right = np.searchsorted(scores, value), np.searchsorted(scores, value, "right")
        return float(left + part * (right - left)) / len(scores)

    def below(self, scores: Float[np.ndarray, " rows"], share: float) -> Float[np.ndarray, " rows"]:
        """For each score 1 below the threshold, 0 above, and the part at it."""
        value, part = self._at(share)
        counted: Float[np.ndarray, " rows"] = (scores < value) + part * (scores == value)
        return counted
