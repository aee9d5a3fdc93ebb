"""Label shift: how much more often each class occurs now, and the accuracy that follows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from shinso.shift.damage._arrays import as_predictions, check_level
from shinso.shift.damage._balance import confidence_balance
from shinso.shift.damage._confidence import maximum_confidence
from shinso.shift.damage._estimate import Estimate
from shinso.shift.damage._intervals import Shares, share_interval

LABEL_SHIFT = "label shift: p(x | y) is the reference's, only how often each class occurs has changed"
LARGEST_CONDITION = 30.0


def label_shift_weights(
    source_probabilities: ArrayLike, source_labels: ArrayLike, target_probabilities: ArrayLike
) -> Float[np.ndarray, " classes"]:
    """Current over reference frequency of each class; ``weights[labels]`` are weights of the reference rows.

    Black-box shift estimation with soft predictions: w solves C w = μ, with C[i, j] the reference's mean of
    p(i | x)·1[y = j] and μ the current rows' mean of p(i | x). Where that gives a negative entry, the least-squares
    solution without one is taken. Any classifier serves, calibrated or not, if C can be inverted.

    Raises ValueError where a class has no row in the reference, since its column of C is then zero. Do not trust the
    weights where p(x | y) has changed too, where the current data have a new class, or for classes that the model
    confuses. Source: Lipton, Wang and Smola 2018 (BBSE, in its soft form).
    """
    return _Fit.of(*_checked(source_probabilities, source_labels, target_probabilities)).weights


def label_shift_accuracy(
    source_probabilities: ArrayLike, source_labels: ArrayLike, target_probabilities: ArrayLike, *, level: float = 0.9
) -> Estimate:
    """The accuracy on the current rows if only the classes' frequencies have changed, with an interval.

    It is the mean over the reference of weight × correct. The interval counts the errors of the reference and of the
    current rows, in the weights too: by the delta method value - truth is the difference of two means of
    (u·p(x) - correct), the reference's weighted, with u solving Cᵀu = (mean of correct·1[y = j])ⱼ.

    Under label shift the weighted reference has the mean confidence of the current rows. A difference beyond chance
    widens the interval by as much, and raises a doubt from 3 standard errors on. Do not trust it where
    ``label_shift_weights`` are not to be trusted.
    """
    check_level(level)
    source, labels, target = _checked(source_probabilities, source_labels, target_probabilities)
    fit = _Fit.of(source, labels, target)
    correct = (source.argmax(axis=1) == labels).astype(np.float64)
    hits = np.bincount(labels, correct, source.shape[1]) / len(labels)
    value = min(max(float(hits @ fit.weights), 0.0), 1.0)
    explained = source @ np.linalg.lstsq(fit.confusion.T, hits, rcond=None)[0]
    shares = Shares(correct, explained - correct, fit.weights[labels])
    balance = confidence_balance(maximum_confidence(source), shares.weights, maximum_confidence(target))
    interval = share_interval(value, shares, len(target), level, further_variance=balance.excess_variance)
    return Estimate(
        "label shift",
        value,
        interval.low,
        interval.high,
        level,
        interval.variance**0.5,
        shares.rows,
        LABEL_SHIFT,
        doubts=fit.doubts + balance.doubts,
    )


@dataclass(frozen=True)
class _Fit:
    confusion: Float[np.ndarray, "classes classes"]
    weights: Float[np.ndarray, " classes"]
    doubts: tuple[str, ...]

    @classmethod
    def of(
        cls,
        source: Float[np.ndarray, "rows classes"],
        labels: Int[np.ndarray, " rows"],
        target: Float[np.ndarray, "rows2 classes"],
    ) -> "_Fit":
        from scipy.optimize import nnls

        confusion = np.stack([np.bincount(labels, p, source.shape[1]) for p in source.T]) / len(labels)
        frequencies = np.bincount(labels, minlength=source.shape[1]) / len(labels)
        current = target.mean(axis=0)
        weights = np.linalg.lstsq(confusion, current, rcond=None)[0]
        doubts: tuple[str, ...] = ()
        condition = float(np.linalg.cond(confusion / frequencies))
        if condition > LARGEST_CONDITION:
            doubts += (f"the model confuses classes too much to tell them apart (condition number {condition:.0f})",)
        if weights.min() < 0:
            weights = nnls(confusion, current)[0]
        return cls(confusion, weights / float(weights @ frequencies), doubts)


def _checked(
    source_probabilities: ArrayLike, source_labels: ArrayLike, target_probabilities: ArrayLike
) -> tuple[Float[np.ndarray, "rows classes"], Int[np.ndarray, " rows"], Float[np.ndarray, "rows2 classes"]]:
    source, labels, target = as_predictions(source_probabilities, source_labels, target_probabilities)
    missing = np.flatnonzero(np.bincount(labels, minlength=source.shape[1]) == 0)
    if missing.size:
        raise ValueError(
            f"class {missing[0]} has no row among the source labels, so that nothing says how the model sees it: add "
            "labelled rows of it, or drop its column and divide the rest by their sum"
        )
    return source, labels, target
