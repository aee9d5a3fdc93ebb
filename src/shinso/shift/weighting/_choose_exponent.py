"""How far to weight: the choice of λ."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from shinso.shift.weighting._checked_weights import checked_weights
from shinso.shift.weighting._flattened import flattened
from shinso.shift.weighting._leave_one_out import LeaveOneOut
from shinso.shift.weighting._shares import shares

EXPONENTS = tuple(tenths / 10 for tenths in range(11))


class Criterion(Protocol):
    """A way to estimate, from weighted training data, a model's loss on the test inputs."""

    def losses(self, model: Any, x: Any, y: Any, weights: ArrayLike, exponent: float) -> Float[np.ndarray, " rows"]:
        """What each example adds to the estimate, which is their mean."""


@dataclass(frozen=True)
class ExponentChoice:
    """What each exponent would cost on the test inputs, the one chosen, and the model fitted with it."""

    exponents: Float[np.ndarray, " exponents"]
    criteria: Float[np.ndarray, " exponents"]
    """The estimated loss per example on the test inputs; for likelihoods in nats."""
    standard_errors: Float[np.ndarray, " exponents"]
    """Of the difference to the chosen one's criterion, whose own is 0: what lies within two of them is as good."""
    shares: Float[np.ndarray, " exponents"]
    """How often each would have the least criterion, were the examples drawn again; together 1."""
    effective_sizes: Float[np.ndarray, " exponents"]
    """(Σw)² / Σw²: as many equal weights would be as steady (Kish)."""
    chosen: float
    """The mean of the exponents by their shares, at the nearest that was tried."""
    model: Any
    """A copy of the model, fitted with the weights to the chosen power."""

    @property
    def least(self) -> float:
        """The exponent of the least criterion, a noisier choice."""
        return float(self.exponents[np.where(np.isfinite(self.criteria), self.criteria, np.inf).argmin()])

    @property
    def table(self) -> dict[str, Float[np.ndarray, " exponents"]]:
        """The columns of the choice, ready for ``pandas.DataFrame``."""
        return {
            "exponent": self.exponents,
            "criterion": self.criteria,
            "standard_error": self.standard_errors,
            "share": self.shares,
            "effective_size": self.effective_sizes,
        }


def choose_exponent(
    model: Any,
    x: Any,
    y: Any,
    weights: ArrayLike,
    *,
    exponents: Sequence[float] = EXPONENTS,
    criterion: Criterion | None = None,
    seed: int | np.random.Generator = 0,
) -> ExponentChoice:
    """The exponent λ of the weights whose fit promises the least loss on the test inputs, and all that were tried.

    x is [rows, features] (an array or a pandas table), y [rows], weights [rows] the ratio of the test to the training
    density, of mean about 1. The criterion estimates the loss: ``LeaveOneOut()`` unless given, for
    ``WeightedRegression`` and ``WeightedLogisticRegression``; ``ImportanceWeightedCrossValidation()`` is for any model
    of scikit-learn's kind and any loss. The model is left as it was.

    >>> from shinso.shift.weighting import WeightedRegression, shimodaira_example
    >>> example = shimodaira_example()
    >>> choice = choose_exponent(WeightedRegression(), example.x, example.y, example.weights)
    >>> 0 < choice.chosen <= 1, float(choice.effective_sizes[0])
    (True, 100.0)

    Near its least value a criterion is flat and noisy, so that the exponent of the least criterion is far from the
    best one in one sample, and beyond it in the next. Chosen is instead the mean of the exponents, each by how often
    it would have the least criterion were the examples drawn again (``seed`` is for these draws): a mean of choices
    costs less than they do on average where the loss curves upwards. Of only two exponents it is the better one. On
    draws of ``shimodaira_example`` the line so chosen loses 3.7 % more than with the best fixed exponent at 50
    examples, 1.3 % at 100 and 0.3 % at 300 (by the least criterion 5.1, 1.9 and 0.3).

    All criteria rest on the weights: estimated ones that miss a region of the test inputs say nothing about it. Where
    the best exponent is 0, as for a right model, or 1, a mean of choices keeps a little away from it; and with few
    examples for the parameters any choice is dear: a cubic, the right model there, loses 17 % more at 50 examples, 4 %
    at 100. The figures are those of benchmarks/shift_weighting.py.

    Raises ValueError where there are no exponents, where weights are negative, not finite, all zero or of another
    length, and where no exponent has a finite criterion; TypeError for a model that the criterion cannot judge;
    besides what the model raises.
    Source: Shimodaira 2000; Sugiyama, Krauledat and Müller 2007; lecture 000, the abstract; for the mean of choices
    Breiman 1996 and Efron 2014.
    """
    tried = np.asarray(exponents, dtype=np.float64)
    if tried.ndim != 1 or len(tried) == 0:
        raise ValueError(f"exponents are a sequence of at least one number, such as (0, 0.5, 1); got {exponents!r}")
    ratios = checked_weights(weights, len(y))
    judge = LeaveOneOut() if criterion is None else criterion
    losses = np.stack([judge.losses(model, x, y, ratios, float(exponent)) for exponent in tried])
    criteria = losses.mean(axis=1)
    if not np.isfinite(criteria).any():
        raise ValueError(
            f"the criterion is {criteria[0]} for every exponent: too few examples carry the weight; "
            "give more examples, fewer features or flatter weights"
        )
    parts = shares(losses, seed)
    best = _nearest(tried, float(parts @ tried), np.isfinite(criteria))
    with np.errstate(invalid="ignore"):
        spreads = (losses - losses[best]).std(axis=1, ddof=1 if len(ratios) > 1 else 0)
    used = [flattened(ratios, float(exponent)) for exponent in tried]
    fitted = copy.deepcopy(model)
    fitted.fit(x, y, sample_weight=used[best])
    return ExponentChoice(
        exponents=tried,
        criteria=criteria,
        standard_errors=spreads / np.sqrt(len(ratios)),
        shares=parts,
        effective_sizes=np.array([each.sum() ** 2 / (each @ each) for each in used]),
        chosen=float(tried[best]),
        model=fitted,
    )


def _nearest(tried: Float[np.ndarray, " exponents"], mean: float, possible: np.ndarray) -> int:
    return int(np.where(possible, np.abs(tried - mean), np.inf).argmin())
