"""Each feature of two tables by itself."""

from dataclasses import dataclass

import numpy as np

from shinso.shift.detection._binned import Binned
from shinso.shift.detection._corrections import benjamini_hochberg
from shinso.shift.detection._feature_shift import (
    FeatureShift,
    Found,
    Histogram,
    levels_change,
    levels_shift,
    numbers_change,
    numbers_histogram,
    numbers_shift,
)
from shinso.shift.detection._paired_columns import REST, PairedColumn
from shinso.shift.detection._test_result import Seed, TestResult

_FEWEST_VALUES = 5


@dataclass(frozen=True)
class Features:
    """The features that could be tested, the largest effect first, and what is to be said about the others."""

    shifts: tuple[FeatureShift, ...]
    notes: tuple[str, ...]

    def together(self, rows: tuple[int, int]) -> TestResult | None:
        """The test that no feature has moved, by Simes 1986: the smallest p-value corrected as Benjamini-Hochberg.

        Its effect is that of the feature with this p-value: the largest effect may be chance in a few values.
        """
        if not self.shifts:
            return None
        most = min(self.shifts, key=lambda shift: (shift.corrected_p, -shift.effect))
        meaning = f"largest difference of probability in '{most.name}', the feature with the least p"
        return TestResult("feature by feature", most.effect, most.corrected_p, most.effect, meaning, *rows)


def feature_shifts(columns: list[PairedColumn], permutations: int = 999, seed: Seed = 0) -> Features:
    """How far each feature has moved, tested on the rows in which it is not missing.

    Where a feature has missing values, their share is a feature too. What has one value only, or under 5 values in one
    of the samples, is named in the notes instead.
    """
    generator = np.random.default_rng(seed)
    tested: list[tuple[str, str, Found, str, Histogram]] = []
    notes: list[str] = []
    for column in columns:
        pooled = column.pooled
        if pooled.missing.any():
            tested.append(_missing(column, permutations, generator))
        fewest = min(len(column.reference.observed), len(column.current.observed))
        if fewest < _FEWEST_VALUES:
            notes.append(f"'{column.name}' has {fewest} values in one of the samples and is not tested")
        elif (pooled.observed == pooled.observed[0]).all():
            notes.append(f"'{column.name}' has one value only, {pooled.observed[0]}, and is not tested")
        elif column.numeric:
            found = numbers_shift(column, permutations, generator)
            words = numbers_change(column)
            tested.append((column.name, column.kind, found, words, numbers_histogram(column)))
        else:
            tested += _levels(column, permutations, generator, notes)
    return Features(_corrected(tested), tuple(notes))


def _corrected(tested: list[tuple[str, str, Found, str, Histogram]]) -> tuple[FeatureShift, ...]:
    if not tested:
        return ()
    corrected = benjamini_hochberg(np.array([found.p_value for _, _, found, _, _ in tested]))
    shifts = [
        FeatureShift(
            name, kind, found.statistic, found.p_value, float(p), found.effect, found.low, found.high, words, histogram
        )
        for (name, kind, found, words, histogram), p in zip(tested, corrected, strict=True)
    ]
    return tuple(sorted(shifts, key=lambda shift: -shift.effect))


def _missing(
    column: PairedColumn, permutations: int, generator: np.random.Generator
) -> tuple[str, str, Found, str, Histogram]:
    shares = [column.reference.missing, column.current.missing]
    counts = Binned(*(np.bincount(missing.astype(np.int64), minlength=2) for missing in shares))
    if counts.reference[0] + counts.current[0] == 0:
        found = Found(0.0, 1.0, 0.0, 0.0, 0.0)
    else:
        found = levels_shift(counts, permutations, generator)
    words = f"missing {shares[0].mean():.1%} → {shares[1].mean():.1%}"
    return f"{column.name} (missing)", "missing", found, words, _bars(["present", "missing"], counts)


def _levels(
    column: PairedColumn, permutations: int, generator: np.random.Generator, notes: list[str]
) -> list[tuple[str, str, Found, str, Histogram]]:
    names, places = column.levels()
    if len(names) == 1:
        notes.append(f"'{column.name}' has only rare levels (an identifier?) and is not tested")
        return []
    if names[-1] == REST:
        count = len(np.unique(column.pooled.observed)) - len(names) + 1
        notes.append(f"'{column.name}': {count} levels, rare or after the fiftieth, are tested as one level '{REST}'")
    rows = len(column.reference.values)
    counts = Binned(*(np.bincount(part[part >= 0], minlength=len(names)) for part in (places[:rows], places[rows:])))
    found = levels_shift(counts, permutations, generator)
    return [(column.name, "categorical", found, levels_change(names, counts), _bars(names, counts))]


def _bars(names: list[str], counts: Binned) -> Histogram:
    before, after = counts.shares
    return Histogram(tuple(names), tuple(before.tolist()), tuple(after.tolist()))
