"""How often each of several means would be the least, were the examples drawn again."""

import numpy as np
from jaxtyping import Float

_DRAWS = 1000


def shares(
    losses: Float[np.ndarray, "candidates rows"], seed: int | np.random.Generator = 0
) -> Float[np.ndarray, " candidates"]:
    """The share of redrawn samples in which each candidate's mean loss is the least; together 1.

    The means are redrawn from the normal density about those found, with the covariance that the examples' losses
    give them, which is what resampling examples comes to where they are many. A candidate with a loss that is not
    finite has no share. Raises ValueError where all are so.
    Source: Breiman 1996 (bagging); Efron 2014, section 2.
    """
    means = losses.mean(axis=1)
    possible = np.flatnonzero(np.isfinite(means))
    if len(possible) == 0:
        raise ValueError("no candidate has a finite mean loss, so none is the least")
    rows = losses.shape[1]
    covariance = np.atleast_2d(np.cov(losses[possible], ddof=0)) / rows
    variances, directions = np.linalg.eigh(covariance)
    steps = np.random.default_rng(seed).normal(size=(_DRAWS, len(possible))) * np.sqrt(np.maximum(variances, 0))
    least = (means[possible] + steps @ directions.T).argmin(axis=1)
    counted: Float[np.ndarray, " candidates"] = np.bincount(possible[least], minlength=len(means)) / _DRAWS
    return counted
