"""How far one feature has moved."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from shinso.shift.detection._binned import Binned, binned_numbers, chunks
from shinso.shift.detection._paired_columns import PairedColumn
from shinso.shift.detection._permutations import permutation_p_value

_BOOTSTRAPS, _CELLS, _TIED_CELLS, _BARS = 400, 128, 64, 24
_DISTINCT = 0.95
"""With fewer distinct numbers a row, the Kolmogorov-Smirnov distribution, which knows no ties, is too careful."""
_SMALL, _FINE = 0.01, 19_999
_EXACT = 10**6
"""Pairs of rows up to which the Kolmogorov-Smirnov distribution is counted exactly."""

Differences = Float64[np.ndarray, "draws cells"]
Statistic = Callable[[Differences], Float64[np.ndarray, " draws"]]


@dataclass(frozen=True)
class Histogram:
    """The two samples' shares by cell, for a picture."""

    cells: tuple[str, ...] | tuple[float, ...]
    """The levels' names, or one edge more than there are cells."""
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True)
class FeatureShift:
    """How far a feature has moved. Its effect is the largest difference of probability between the samples.

    For numbers that is of the events "at most t" (the Kolmogorov-Smirnov distance), for levels of any set of levels
    (the total variation distance): 0 for no difference, 1 for nothing in common. Chance alone makes it positive: read
    the interval. With few rows and many levels the interval is wide.
    """

    name: str
    kind: str
    """"numeric", "date", "categorical", or "missing": the share of missing values, as a feature of its own."""
    statistic: float
    """The Kolmogorov-Smirnov distance, or χ²."""
    p_value: float
    corrected_p: float
    """By Benjamini and Hochberg over all features."""
    effect: float
    low: float
    high: float
    """The 95 % interval of the effect, for this feature alone."""
    change: str
    """What moved, in words and units."""
    histogram: Histogram


@dataclass(frozen=True)
class Found:
    """A feature's test before it is corrected for the number of features."""

    statistic: float
    p_value: float
    effect: float
    low: float
    high: float


def numbers_shift(column: PairedColumn, permutations: int, generator: np.random.Generator) -> Found:
    """The Kolmogorov-Smirnov test: by its own distribution, or by permutations where numbers occur repeatedly."""
    from scipy.stats import ks_2samp

    # SciPy too is several times as fast on sorted samples, of which a million fit no cache.
    reference, current = np.sort(column.reference.observed), np.sort(column.current.observed)
    pairs = len(reference) * len(current)
    with warnings.catch_warnings():
        # Of samples that share rows SciPy may not find the exact p-value, and takes the limiting one with a warning.
        warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful", RuntimeWarning)
        found = ks_2samp(reference, current, method="exact" if pairs <= _EXACT else "asymp")
    statistic, p_value = float(found.statistic), float(found.pvalue)
    pooled = np.sort(np.concatenate([reference, current]), kind="stable")
    if 1 + np.count_nonzero(np.diff(pooled)) < _DISTINCT * len(pooled):
        counts = binned_numbers(reference, current, _TIED_CELLS)
        p_value = _permuted_p(counts, largest_step, permutations, generator)
    margin = _margin(binned_numbers(reference, current, _CELLS), largest_step, generator)
    return Found(statistic, p_value, statistic, max(0.0, statistic - margin), min(1.0, statistic + margin))


def levels_shift(counts: Binned, permutations: int, generator: np.random.Generator) -> Found:
    """The χ² test of homogeneity by permutations, which rare levels do not harm, and the total variation distance."""
    m, n = counts.reference.sum(), counts.current.sum()
    together = (counts.reference + counts.current) / (m + n)

    def chi_square(differences: Differences) -> Float64[np.ndarray, " draws"]:
        return np.asarray((differences**2 / together).sum(axis=1) * (m * n / (m + n)), dtype=np.float64)

    before, after = counts.shares
    observed = (after - before)[None]
    p_value = _permuted_p(counts, chi_square, permutations, generator)
    effect = float(total_variation(observed)[0])
    margin = _margin(counts, total_variation, generator)
    statistic = float(chi_square(observed)[0])
    return Found(statistic, p_value, effect, max(0.0, effect - margin), min(1.0, effect + margin))


def largest_step(differences: Differences) -> Float64[np.ndarray, " draws"]:
    """The largest difference of the distribution functions."""
    return np.asarray(np.abs(np.cumsum(differences, axis=1)).max(axis=1), dtype=np.float64)


def total_variation(differences: Differences) -> Float64[np.ndarray, " draws"]:
    """Half of the sum of absolute differences."""
    return np.asarray(np.abs(differences).sum(axis=1) / 2, dtype=np.float64)


def _permuted_p(counts: Binned, statistic: Statistic, permutations: int, generator: np.random.Generator) -> float:
    """The permutation p-value; one of 0.01 or less is taken anew from 20 times as many permutations.

    So small p-values are fine enough to be corrected for many features. The p-value stays valid: to be small it must be
    small in the second draw, whatever the first was.
    """
    before, after = counts.shares
    observed, p_value = float(statistic((after - before)[None])[0]), 1.0
    for draws in (permutations, max(permutations, _FINE)):
        parts = [statistic(counts.permuted(part, generator)) for part in chunks(draws, len(counts.current))]
        p_value = permutation_p_value(observed, np.concatenate(parts))
        if p_value > _SMALL or permutations >= _FINE:
            break
    return p_value


def _margin(counts: Binned, norm: Statistic, generator: np.random.Generator) -> float:
    """How far, with probability 0.95, the shares' differences lie from the true ones, in the norm of the effect.

    The bootstrap's 95 % point of the norm of (resampled - observed); by the triangle inequality the effect is no
    further from the truth. That holds too where the truth is 0, where percentiles of the resampled effect fail.
    """
    before, after = counts.shares
    drawn = counts.resampled(_BOOTSTRAPS, generator) - (after - before)
    return float(np.quantile(norm(drawn), 0.95, method="higher"))


def numbers_histogram(column: PairedColumn) -> Histogram:
    """Of the middle 99 % of both samples together; what lies outside is counted in the outermost cells."""
    reference, current = column.reference.observed, column.current.observed
    low, high = np.quantile(np.concatenate([reference, current]), [0.005, 0.995])
    least = 86_400 if column.kind == "date" else 1
    edges = np.linspace(low, high if high > low else low + least, _BARS + 1)
    shares = [
        np.histogram(np.clip(sample, edges[0], edges[-1]), edges)[0] / len(sample) for sample in (reference, current)
    ]
    return Histogram(tuple(edges.tolist()), tuple(shares[0].tolist()), tuple(shares[1].tolist()))


def numbers_change(column: PairedColumn) -> str:
    """The means, and the spreads where they differ, in words; a spread is a standard deviation, of the reference."""
    reference, current = column.reference.observed, column.current.observed
    means, spreads = [reference.mean(), current.mean()], [reference.std(), current.std()]
    words = f"mean {means[0]:.4g} → {means[1]:.4g}"
    if column.kind == "date":
        words = "mean " + " → ".join(str(np.datetime64(int(mean), "s").astype("datetime64[D]")) for mean in means)
    if spreads[0] > 0:
        # Adding 0 makes a rounded -0 a 0.
        words += f" ({round((means[1] - means[0]) / spreads[0], 2) + 0.0:+.2f} sd)"
        if not 0.8 < spreads[1] / spreads[0] < 1.25:
            words += f", spread × {spreads[1] / spreads[0]:.2g}"
    return words


def levels_change(names: list[str], counts: Binned) -> str:
    """The level whose share has changed most."""
    before, after = counts.shares
    most = int(np.abs(after - before).argmax())
    return f"'{names[most]}' {before[most]:.1%} → {after[most]:.1%}"
