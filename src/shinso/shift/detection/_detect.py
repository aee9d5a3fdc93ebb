"""Whether, and where, new data differ from the data of reference."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from shinso.shift.detection._as_matrices import as_matrices
from shinso.shift.detection._classifier_two_sample import ClassifierTwoSample
from shinso.shift.detection._corrections import holm
from shinso.shift.detection._energy_distance import EnergyDistance
from shinso.shift.detection._feature_matrices import columns_of
from shinso.shift.detection._features import feature_shifts
from shinso.shift.detection._linear_time_mmd import LinearTimeMMD
from shinso.shift.detection._mmd import MMD
from shinso.shift.detection._shared_rows import shared_rows
from shinso.shift.detection._shift_report import ShiftReport
from shinso.shift.detection._test_result import Seed, TwoSampleTest

_FEW, _VERY_MANY = 40, 10_000_000


def detect(
    reference: Any,
    current: Any,
    *,
    tests: Sequence[TwoSampleTest] | None = None,
    features: Callable[[Any], Any] | None = None,
    level: float = 0.05,
    permutations: int = 999,
    examples: int = 10,
    seed: Seed = 0,
) -> ShiftReport:
    """Whether the current rows come from the reference's distribution, and which features and rows say they do not.

    Tables are pandas DataFrames, arrays or tensors of rows and columns; for images and the like ``features`` is a
    function or a torch module that turns a batch of them into a matrix. All features together are tested by ``tests``
    (by default ``default_tests``), on numbers standardised and levels as columns of 0 and 1; each by itself by the
    Kolmogorov-Smirnov test (numbers) or χ² by permutations (text, truth values, categories). The verdict is Holm's over
    the tests, "feature by feature" being one: it gives a false alarm with probability at most ``level``, about half
    of it where the tests agree. Features are corrected by Benjamini and Hochberg.

    Missing values: their share is a feature and is tested; a feature is tested on the rows where it is present; in the
    tests of all features together a missing number stands at the mean, beside a column that says it is missing. Rows
    are never dropped. Features of one value only are noted and left out.

    Do not trust it where rows are not independent (patients with several rows, consecutive frames): tests then find
    differences that are none; pass one row of each, or means. Nor where rows are in both sets: those hide a shift of
    the others, and a note counts them. "No difference shown" from few rows is no proof that
    there is none: read the intervals. A difference of the inputs need not cost accuracy, nor the lack of one save it:
    with a million rows the least difference is found, so read effects before p-values.

    Raises ValueError for other columns, other kinds of a column, under ten rows, infinite values, nothing that varies,
    and a level not between 0 and 1. Source: lecture 000, covariate shift; Rabanser, Günnemann and Lipton 2019 compare
    such tests; each test's docstring has its own.

    >>> generator = np.random.default_rng(0)
    >>> report = detect(generator.normal(size=(60, 2)), generator.normal([0, 1], 1, size=(50, 2)), tests=())
    >>> report.moved, [feature.name for feature in report.moved_features]
    (True, ['x1'])
    """
    if not 0 < level < 1:
        raise ValueError(f"the level is a probability between 0 and 1, such as 0.05; got {level}")
    columns = columns_of(reference, current, features)
    matrices = as_matrices(columns)
    rows = len(matrices[0]), len(matrices[1])
    tests = default_tests(*rows) if tests is None else tests
    seeds = np.random.default_rng(seed).spawn(len(tests) + 2)
    results = [test.test(*matrices, some) for test, some in zip(tests, seeds, strict=False)]
    found = feature_shifts(columns, permutations, seeds[-2])
    together = found.together(rows)
    results += [together] if together is not None else []
    if not results:
        raise ValueError("nothing was tested: give a test, for no feature can be tested by itself")
    scores = (tests[0] if tests else EnergyDistance()).scores(*matrices, seeds[-1])
    shared = shared_rows(*matrices)
    return ShiftReport(
        reference_rows=rows[0],
        current_rows=rows[1],
        level=level,
        tests=tuple(results),
        corrected=tuple(holm(np.array([result.p_value for result in results])).tolist()),
        features=found.shifts,
        examples=np.argsort(-scores, kind="stable")[:examples].astype(np.int64),
        scores=scores,
        notes=(*_shared_note(shared, rows[1]), *found.notes),
        shared_rows=shared,
    )


def _shared_note(shared: int, rows: int) -> tuple[str, ...]:
    if not shared:
        return ()
    return (
        f"{shared:,} of {rows:,} current rows are equal to a reference row: that hides a shift of the others, and a "
        "classifier that learns one copy as reference tells pairs apart worse than by guessing; compare sets without "
        "rows in common",
    )


def default_tests(reference_rows: int, current_rows: int) -> tuple[TwoSampleTest, ...]:
    """The tests that ``detect`` takes by the rows of the smaller sample.

    Under 40 rows the energy distance, for a classifier has nothing to learn from; up to ten million the classifier and
    the MMD; above that, in place of the MMD, the one in linear time, which then sees about as much
    as the other's 2,000 rows.
    """
    fewest = min(reference_rows, current_rows)
    if fewest < _FEW:
        return (EnergyDistance(),)
    return (ClassifierTwoSample(), MMD() if fewest <= _VERY_MANY else LinearTimeMMD())
