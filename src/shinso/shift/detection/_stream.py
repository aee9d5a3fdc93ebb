"""New data that come in windows, watched with a promise about false alarms."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from shinso.shift.detection._as_matrices import as_matrices
from shinso.shift.detection._energy_distance import EnergyDistance
from shinso.shift.detection._feature_matrices import tabled
from shinso.shift.detection._paired_columns import join, paired_columns
from shinso.shift.detection._table import Table
from shinso.shift.detection._test_result import Seed, TwoSampleTest

_MOST_HISTORY = 10_000


@dataclass(frozen=True)
class Window:
    """One window of a stream."""

    index: int
    """From 0."""
    rows: int
    p_value: float
    """Of this window alone against all that was before it."""
    effect: float
    evidence: float
    """That a change has happened at some window up to this one; it reaches 1 / level by chance with that level."""
    alarm: bool
    """Whether it has, now or before."""


def detect_stream(
    reference: Any,
    windows: Iterable[Any],
    *,
    test: TwoSampleTest | None = None,
    features: Callable[[Any], Any] | None = None,
    level: float = 0.05,
    seed: Seed = 0,
) -> Iterator[Window]:
    """Each window's test as the window comes; on an unchanged stream, however long, an alarm has probability ≤ level.

    How that is held: each window is tested by permutations against the reference *and all windows before it*, so that
    on an unchanged stream the p-values are independent. Each is turned into a bet e(p) of mean 1 (``bet``), and bets
    are multiplied from each possible window of change j on, with the weight 1 / j(j + 1): a fair game of capital 1,
    whose capital, the evidence, ever reaches 1 / level with a probability of at most the level (Ville 1939). After the
    alarm windows are no longer added to what is compared with, so later p-values say whether the change lasts.

    A plain change takes one to three windows. Do not trust it for slow drift: a change smaller in each window than its
    noise joins the reference and is not seen; compare now and then with ``detect``. At most 10,000 earlier rows are
    kept, a random part. By default the test is ``EnergyDistance(permutations=1999, max_rows=1000)``; another must have
    permutation p-values (of at least 999). Windows are tables, or data for ``features``, as for ``detect``, of at least
    ten rows. Raises ValueError as that does.
    Source: Vovk, Gammerman and Shafer 2005, section 7.1 (independent p-values, martingales); Vovk and Wang 2021,
    section 2 (e(p)); Shin, Ramdas and Rinaldo 2023 (sums over the window of change).
    """
    if not 0 < level < 1:
        raise ValueError(f"the level is a probability between 0 and 1, such as 0.05; got {level}")
    test = EnergyDistance(permutations=1999, max_rows=1000) if test is None else test
    return _watched(tabled(reference, features, "reference"), windows, test, features, level, seed)


def _watched(
    history: Table,
    windows: Iterable[Any],
    test: TwoSampleTest,
    features: Callable[[Any], Any] | None,
    level: float,
    seed: Seed,
) -> Iterator[Window]:
    generator = np.random.default_rng(seed)
    begun, alarm = 0.0, False
    for index, window in enumerate(windows):
        table = tabled(window, features, f"window {index}")
        reference, current = as_matrices(paired_columns(history, table))
        found = test.test(reference, current, generator)
        begun = (begun + 1 / ((index + 1) * (index + 2))) * bet(found.p_value)
        evidence = begun + 1 / (index + 2)
        alarm = alarm or evidence >= 1 / level
        yield Window(index, len(current), found.p_value, found.effect, evidence, alarm)
        if not alarm:
            history = _joined(history, table, generator)


def bet(p_value: float) -> float:
    """What a bet against "nothing has changed" pays for a p-value: ∫ κ p^(κ-1) dκ over 0 < κ < 1, in the mean 1.

    >>> round(bet(0.001), 2), round(bet(0.5), 2)
    (20.79, 0.64)
    """
    if p_value >= 1:
        return 0.5
    log = math.log(p_value)
    # Near 1 the quotient is 0 / 0; its series begins 1/2 - ln(p)/6 there, taken in ln p.
    if log > -1e-4:
        return 0.5 - log / 6
    return (1 - p_value + p_value * log) / (p_value * log**2)


def _joined(history: Table, table: Table, generator: np.random.Generator) -> Table:
    pairs = paired_columns(history, table)
    joined = {pair.name: join(pair.reference, pair.current) for pair in pairs}
    rows = len(pairs[0].reference.values) + len(pairs[0].current.values)
    if rows <= _MOST_HISTORY:
        return joined
    kept = np.sort(generator.choice(rows, _MOST_HISTORY, replace=False))
    return {name: column.rows(kept) for name, column in joined.items()}
