"""The density ratio as the odds of a classifier."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._density_ratio import DensityRatio, fitted
from shinso.shift.ratio._samples import Samples, read_samples
from shinso.shift.ratio._settings import check_candidates, check_enough_rows, check_numbers, check_positive
from shinso.shift.ratio._table import Table

Features = Callable[[Float[np.ndarray, "rows columns"]], Float[np.ndarray, "rows features"]]
"""What the logarithm of the ratio is linear in, from rows on the scale of the fit."""

ROWS_TO_TUNE = 4000
MOST_FEATURES = 500
LARGEST_FACTOR = 1.5
HUMPS = (-2.0, -1.0, 0.0, 1.0, 2.0)
HUMP_WIDTH = 0.7


def linear(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows features"]:
    """The columns: exact for normal densities of the same covariance."""
    return rows


def with_squares(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows features"]:
    """The columns and their squares: exact for normal densities with independent columns."""
    return np.concatenate([rows, rows**2], axis=1)


def with_products(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows features"]:
    """The columns, their squares, and the products of two: for changes of correlation.

    In the products a column counts up to 1.5: they grow fastest where there are fewest rows.
    """
    first, second = np.triu_indices(rows.shape[1], 1)
    near = np.clip(rows, -LARGEST_FACTOR, LARGEST_FACTOR)
    return np.concatenate([rows, rows**2, near[:, first] * near[:, second]], axis=1)


def with_humps(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows features"]:
    """The columns, and of each five humps beside one another: a ratio of any smooth shape along single columns."""
    humps = [np.exp(-0.5 * ((rows - centre) / HUMP_WIDTH) ** 2) for centre in HUMPS]
    return np.concatenate([rows, *humps], axis=1)


@dataclass(frozen=True)
class Logistic:
    """Logistic regression that tells numerator from denominator: p/q is its odds, times the denominator's odds.

    Features and penalty have the greatest cross-validated likelihood, on at most 4000 rows; features of more than 500
    columns are not tried, unless they are the first. Beyond ``reach`` the ratio is taken as there: where rows are few
    an odds that goes on growing is the largest error of all. Hard to beat in many columns, and steady in few; but
    structure beyond its features, such as of three columns together, is not found.
    Raises ValueError for settings that cannot be, and for tables that do not fit together.
    Source: Qin 1998; Bickel, Brückner and Scheffer 2007; Sugiyama, Suzuki and Kanamori 2012, chapter 4.
    """

    features: tuple[Features, ...] = (linear, with_squares, with_humps, with_products)
    penalties: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0, 1000.0)
    """Of the squared coefficients of standardised features, against the sum of the rows' losses."""
    reach: float = 2.5
    """In standard deviations of both samples together; infinite for logistic regression as it is."""
    folds: int = 5
    rows: int = 20_000
    """How many rows of each sample at most are used for the fit; the weights are for all."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_numbers(folds=self.folds, rows=self.rows)
        check_candidates(penalties=self.penalties)
        check_positive(reach=self.reach)
        if not self.features:
            raise ValueError("features must be at least one function of rows, such as (linear,); got none")

    def fit(self, numerator: Table, denominator: Table) -> DensityRatio:
        """The ratio of the density of the numerator's rows to that of the denominator's."""
        samples = read_samples(numerator, denominator, self.rows, np.random.default_rng(self.seed))
        check_enough_rows(self.folds, min(len(samples.numerator), len(samples.denominator), ROWS_TO_TUNE // 2))
        features, penalty = self._tuned(samples)
        classifier = _classifier(features, penalty)
        classifier.fit(*self._labelled(samples, max(len(samples.numerator), len(samples.denominator))))
        log_prior = np.log(len(samples.numerator) / len(samples.denominator))

        def log_ratio(rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, " rows"]:
            logits: Float[np.ndarray, " rows"] = classifier.decision_function(self._near(rows)) - log_prior
            return logits

        count = features(samples.numerator[:1]).shape[1]
        return fitted(self, samples, log_ratio, {"features": count, "penalty": penalty})

    def _tuned(self, samples: Samples) -> tuple[Features, float]:
        """The features and the penalty with the greatest likelihood on rows that were not fitted."""
        from sklearn.model_selection import StratifiedKFold, cross_val_score

        rows, labels = self._labelled(samples, ROWS_TO_TUNE // 2)
        folds = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        small = [f for f in self.features if f(rows[:1]).shape[1] <= MOST_FEATURES] or list(self.features[:1])
        choices = [(features, penalty) for features in small for penalty in self.penalties]
        if len(choices) == 1:
            return choices[0]
        likelihoods = [
            cross_val_score(_classifier(*choice), rows, labels, cv=folds, scoring="neg_log_loss").mean()
            for choice in choices
        ]
        return choices[int(np.argmax(likelihoods))]

    def _labelled(self, samples: Samples, most: int) -> tuple[Float[np.ndarray, "rows columns"], np.ndarray]:
        above, below = samples.numerator[:most], samples.denominator[:most]
        return self._near(np.concatenate([above, below])), np.repeat([1, 0], [len(above), len(below)])

    def _near(self, rows: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
        near: Float[np.ndarray, "rows columns"] = np.clip(rows, -self.reach, self.reach)
        return near


def _classifier(features: Features, penalty: float):  # type: ignore[no-untyped-def]  # scikit-learn has no types
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return make_pipeline(
        FunctionTransformer(features), StandardScaler(), LogisticRegression(C=1 / penalty, max_iter=5000)
    )
