"""Whether a fitted density ratio can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from shinso.shift.ratio._overlap import Overlap

_MOST_OUTSIDE, _SELDOM = 0.05, 0.01


class PoorOverlap(UserWarning):
    """The samples overlap so little that the weights say little."""


@dataclass(frozen=True)
class Diagnosis:
    """What the weights of the denominator and the overlap of the samples say about a fit; ``str`` to read it."""

    method: str
    tuning: Mapping[str, float]
    """What cross-validation chose."""
    rows: int
    """Of the denominator."""
    effective_sample_size: float
    """Kish's, of the denominator's weights: (Σ w)² / Σ w²."""
    largest_share: float
    """The largest weight as a share of all."""
    mean_weight: float
    """Over the denominator; of a relative ratio over the mixture of both that it is relative to. 1 for a true ratio."""
    overlap: Overlap

    @property
    def uncovered(self) -> bool:
        """Whether over 5 % of the numerator lies where the denominator has no rows, and more than chance puts there.

        Beyond the furthest of n rows lies a share whose distribution is Beta(1, n), of 20 rows often more than 5 %.
        """
        by_chance: float = 1 - _SELDOM ** (1 / self.rows)
        return self.overlap.outside > max(_MOST_OUTSIDE, by_chance)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, in words; empty if nothing is.

        An effective sample under 5 % of the rows or under 20, a row with more than a tenth of all weight, a mean
        weight outside 0.5 to 2, more than 5 % of the numerator where the denominator has no rows.
        """
        share = self.effective_sample_size / self.rows
        checks = (
            (self.overlap.separated, f"the samples can be told apart nearly always (AUC {self.overlap.auc:.3f})"),
            (
                self.uncovered,
                f"{self.overlap.outside:.1%} of the numerator lies where the denominator has nearly no rows: "
                "no weighting can stand for them",
            ),
            (
                share < 0.05 or self.effective_sample_size < 20,
                f"the weighted rows are worth {self.effective_sample_size:.3g} of {self.rows:,}",
            ),
            (self.largest_share > 0.1, f"one row has {self.largest_share:.1%} of all weight"),
            (
                not 0.5 <= self.mean_weight <= 2,
                f"the weights' mean is {self.mean_weight:.3g} where a ratio's is 1: the fit is not one",
            ),
        )
        return tuple(text for wrong, text in checks if wrong)

    def __str__(self) -> str:
        chosen = ", ".join(f"{name} {value:.3g}" for name, value in self.tuning.items())
        lines = (
            f"density ratio by {self.method}" + (f" ({chosen})" if chosen else ""),
            f"  effective sample size  {self.effective_sample_size:,.1f} of {self.rows:,} rows "
            f"({self.effective_sample_size / self.rows:.1%})",
            f"  largest weight         {self.largest_share:.2%} of all weight",
            f"  mean weight            {self.mean_weight:.3f}",
            f"  told apart             AUC {self.overlap.auc:.3f} (0.5: not at all)",
            f"  numerator outside      {self.overlap.outside:.1%} ({max(0.005, 1 / self.rows):.1%} without a shift)",
            *(f"  ! {problem}" for problem in self.problems),
        )
        return "\n".join(lines)


def diagnosis_of(
    method: str, tuning: Mapping[str, float], weights: Float[np.ndarray, " rows"], mean_weight: float, overlap: Overlap
) -> Diagnosis:
    """The diagnosis of a fit, from its weights of the denominator and the mean that would be 1 for a true ratio."""
    total = float(weights.sum())
    # Scaled to at most 1: squares of large weights would overflow.
    scaled = weights / weights.max() if total > 0 else weights
    return Diagnosis(
        method=method,
        tuning=tuning,
        rows=len(weights),
        effective_sample_size=float(scaled.sum() ** 2 / (scaled @ scaled)) if total > 0 else 0.0,
        largest_share=float(weights.max() / total) if total > 0 else 0.0,
        mean_weight=mean_weight,
        overlap=overlap,
    )
