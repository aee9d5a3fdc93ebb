"""How far two samples overlap: without it there is no ratio to estimate."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

MOST_ROWS = 2000
SEPARATED_AUC = 0.99
SEPARATED_SHARE = 0.5
NEIGHBOURS = 5
OWN_SHARE_OUTSIDE = 0.005


@dataclass(frozen=True)
class Overlap:
    """Whether the denominator has rows where the numerator has them."""

    auc: float
    """How well a classifier tells the samples apart on rows it has not seen: 0.5 not at all, 1 always.

    For normal densities of one covariance it tells what can be hoped for: at 0.99 the truth itself leaves an effective
    sample of 2 rows in 100,000, at 0.95 of 4 in 1000, at 0.9 of 4 in 100.
    """
    outside: float
    """The share of numerator rows where the denominator has nearly none.

    These are the rows whose fifth nearest row of the denominator is further than that of 199 in 200 of the
    denominator's own rows; without any shift about 0.005, with n < 200 rows about 1/n.
    """

    @property
    def separated(self) -> bool:
        """Whether there is nothing to weigh: an AUC above 0.99, or more than half of the numerator outside."""
        return self.auc > SEPARATED_AUC or self.outside > SEPARATED_SHARE


def overlap_of(
    numerator: Float[np.ndarray, "numerator columns"], denominator: Float[np.ndarray, "denominator columns"]
) -> Overlap:
    """The overlap of two samples on one scale, from the first 2000 rows of each, which must be in random order.

    The classifier is a logistic regression on the columns and their squares, so that it sees a shift of the means and
    of the spreads but not of the correlations alone; the nearest neighbours see any, but in many dimensions weakly.
    """
    above, below = numerator[:MOST_ROWS], denominator[:MOST_ROWS]
    return Overlap(_auc(above, below), _share_outside(above, below))


def _auc(above: Float[np.ndarray, "m columns"], below: Float[np.ndarray, "n columns"]) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rows = np.concatenate([above, below])
    labels = np.repeat([1, 0], [len(above), len(below)])
    scores = cross_val_predict(
        LogisticRegression(max_iter=1000, C=0.1),
        np.concatenate([rows, rows**2], axis=1),
        labels,
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
        method="decision_function",
    )
    return float(roc_auc_score(labels, scores))


def _share_outside(above: Float[np.ndarray, "m columns"], below: Float[np.ndarray, "n columns"]) -> float:
    from sklearn.neighbors import NearestNeighbors

    neighbours = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(below)
    own = neighbours.kneighbors()[0][:, -1]
    others = neighbours.kneighbors(above)[0][:, -1]
    return float((others > np.quantile(own, 1 - OWN_SHARE_OUTSIDE)).mean())
