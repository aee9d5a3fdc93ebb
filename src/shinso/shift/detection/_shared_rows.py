"""Rows that are in both samples."""

from collections import Counter

import numpy as np
from jaxtyping import Float64

_FEWEST, _FEWEST_ROWS, _MOST_REPEATED = 0.01, 3, 0.1


def shared_rows(reference: Float64[np.ndarray, "m d"], current: Float64[np.ndarray, "n d"]) -> int:
    """How many current rows equal one of the reference, where that is no chance; else 0.

    It is taken for chance where it is under 3 rows or 1 % of the current ones, or where reference rows equal one
    another as often as half of it, as rows of a few levels do; and nothing is said where more than a tenth of them do.
    """
    counts = Counter(hash(row.tobytes()) for row in reference)
    repeated = sum(count for count in counts.values() if count > 1) / len(reference)
    shared = sum(hash(row.tobytes()) in counts for row in current)
    beyond_chance = shared >= max(_FEWEST_ROWS, max(_FEWEST, 2 * repeated) * len(current))
    return shared if repeated <= _MOST_REPEATED and beyond_chance else 0
