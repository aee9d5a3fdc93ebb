"""Where the estimators of an information plane disagree, in words."""

import numpy as np
from jaxtyping import Bool, Float

from shinso.record import Readings, Record

TOLERANCE = 0.1
"""How much of the most that could be read estimators may differ, or a value be away from it."""


def information_warnings(record: Record) -> list[str]:
    """A sentence for each layer whose information is not to be believed.

    Estimators disagree where they are more than a tenth of the most that could be read apart; the batch is too small
    where binning and both kernel bounds of I(X;T) are within a tenth of log₂ of its size. Raises KeyError for a record
    in which no information plane was read.

    Source: Saxe et al. 2018, section 2, on what the estimator alone brings about.
    """
    warnings = []
    for quantity, symbol in (("input", "I(X;T)"), ("target", "I(T;Y)")):
        apart = record.readings(f"information/{quantity}_disagreement")
        wrong = disagreeing(record, quantity)
        for column, layer in enumerate(apart.labels):
            if wrong[:, column].any():
                most = np.nanmax(apart.values[:, column])
                warnings.append(
                    f"{layer}: estimators of {symbol} disagree at {_share(wrong[:, column])} steps read, by up to "
                    f"{most:.1f} bits"
                )
    full = saturated(record)
    layers = record.readings("information/input_binned").labels
    limit = float(record.readings("information/input_limit").values[-1])
    warnings += [
        f"{layer}: I(X;T) is near {limit:.1f} bits, the most this batch can show, at "
        f"{_share(full[:, column])} steps read: every example looks different, whatever the layer does"
        for column, layer in enumerate(layers)
        if full[:, column].any()
    ]
    return warnings


def disagreeing(record: Record, quantity: str) -> Bool[np.ndarray, "step layer"]:
    """Where estimators of I(X;T) (``input``) or I(T;Y) (``target``) are further apart than they may."""
    apart = record.readings(f"information/{quantity}_disagreement").values
    wrong: Bool[np.ndarray, "step layer"] = apart > TOLERANCE * _limits(record, quantity)
    return wrong


def saturated(record: Record) -> Bool[np.ndarray, "step layer"]:
    """Where all estimators of I(X;T) are at the most that the batch can show."""
    enough = (1 - TOLERANCE) * _limits(record, "input")
    estimates = [record.readings(f"information/input_{name}").values for name in ("binned", "lower", "upper")]
    full: Bool[np.ndarray, "step layer"] = np.min(estimates, axis=0) >= enough
    return full


def _limits(record: Record, quantity: str) -> Float[np.ndarray, "step 1"]:
    limits: Readings = record.readings(f"information/{quantity}_limit")
    return np.asarray(limits.values, dtype=np.float64)[:, None]


def _share(wrong: Bool[np.ndarray, " step"]) -> str:
    return f"{int(wrong.sum())} of {len(wrong)}"
