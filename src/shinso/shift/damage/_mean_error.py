"""How far a weighted mean of losses may be from the current rows': its variance and skewness, and how well known."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class MeanError:
    """Value - truth: what each reference row adds to the value's error, and the truth's own on the current rows."""

    parts: Float[np.ndarray, " rows"]
    """Of value - its expectation, by row; each of a residual from the mean of the *other* rows (the jackknife): from a
    mean of its own a row of large weight is never far, and so would say least where it matters most."""
    share: Float[np.ndarray, " rows"]
    """Weights that add to 1."""
    residuals: Float[np.ndarray, " rows"]
    """Losses less their weighted mean."""
    current_rows: int | None

    @classmethod
    def of_ratio(
        cls, residuals: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"], current_rows: int | None
    ) -> "MeanError":
        """For Σ weight × loss / Σ weight."""
        share = weights / weights.sum()
        return cls(share * residuals / (1 - share), share, residuals, current_rows)

    @classmethod
    def of_products(
        cls, losses: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"], current_rows: int | None
    ) -> "MeanError":
        """For the mean of weight × loss."""
        share, products = weights / weights.sum(), weights * losses
        parts = (products - products.mean()) / (len(losses) - 1)
        return cls(parts, share, losses - share @ losses, current_rows)

    @property
    def reference_variance(self) -> float:
        """Of the value."""
        return float(self.parts @ self.parts)

    @property
    def current_variance(self) -> float:
        """Of the truth: 0 for that of the population."""
        if self.current_rows is None:
            return 0.0
        return float(self.share @ self.residuals**2) / (1 - self._typical_share) / self.current_rows

    @property
    def degrees_of_freedom(self) -> float:
        """Of Student's distribution for value - truth over its standard error: 2 over the variance's squared error.

        That relative error has two parts (after Satterthwaite 1946). One is as the weights would make it for normal
        losses: few rows of large weight that happen to lie close show nothing of it. The other is as the squared parts
        are seen to vary, which it takes for losses of long tails. For losses that are normal the first is so counted
        twice, which costs a hundred even weights 1 % of the width.
        """
        variance = self.reference_variance + self.current_variance
        if variance == 0:
            return 1.0
        typical = self._typical_share
        of_reference = max(1.0, typical**2 / float((self.share**4).sum()) - 1)
        of_current = max(1.0, 1 / typical - 1)
        by_weights = 2 * (self.reference_variance**2 / of_reference + self.current_variance**2 / of_current)
        squares = self.parts**2 - self.reference_variance / len(self.parts)
        if self.current_rows is not None:
            squares = squares + self._scatter / self.current_rows
        return max(1.0, 2 * variance**2 / (by_weights + float(squares @ squares)))

    @property
    def third_cumulant(self) -> float:
        """Of value - truth."""
        third = float((self.parts**3).sum())
        if self.current_rows is not None:
            third -= float(self.share @ self.residuals**3) / self.current_rows**2
        return third

    @property
    def covariance_with_variance(self) -> float:
        """Of value - truth, with the estimate of its own variance."""
        covariance = float((self.parts**3).sum()) - 2 * float(self.share @ self.parts) * self.reference_variance
        if self.current_rows is not None:
            covariance += float(self.parts @ self._scatter) / self.current_rows
        return covariance

    @property
    def _typical_share(self) -> float:
        return float(self.share @ self.share)

    @property
    def _scatter(self) -> Float[np.ndarray, " rows"]:
        scatter: Float[np.ndarray, " rows"] = self.share * (self.residuals**2 - self.share @ self.residuals**2)
        return scatter
