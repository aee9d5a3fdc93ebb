"""k-means on the line (Lloyd, 1982), begun with evenly spaced centres (Han et al., 2016, arXiv 1510.00149, section 3.2,
linear initialisation).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MOST_ROUNDS = 300


def cluster(values: Floats, clusters: int) -> Floats:
    """The centres, ascending, of so many clusters of the values; each value belongs to the nearest.

    Where there are no more distinct values than clusters, these are the centres. A cluster that loses all its values,
    as those between the two heaps of pruned weights do, takes half of the one that spreads most. Raises ValueError for
    no cluster.
    """
    if clusters < 1:
        raise ValueError(f"there must be at least 1 cluster; got {clusters}")
    ordered = np.sort(values)
    distinct = ordered[np.flatnonzero(np.diff(ordered, prepend=np.nan))]
    if len(distinct) <= clusters:
        return distinct
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    centres: Floats = np.linspace(ordered[0], ordered[-1], clusters)
    for _ in range(_MOST_ROUNDS):
        # A cluster is a stretch of the ordered values, so that a round costs nothing for each value.
        ends = np.unique([0, *np.searchsorted(ordered, _midpoints(centres)), len(ordered)])
        first, last, counts = ordered[ends[:-1]], ordered[ends[1:] - 1], np.diff(ends)
        means = np.clip(np.diff(sums[ends]) / counts, first, last)
        moved = _filled_up(means, first, last, counts, clusters)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def nearest(values: Floats, centres: Floats) -> NDArray[np.int64]:
    """The number of the centre nearest to each value; ``centres`` ascend."""
    return np.searchsorted(_midpoints(centres), values).astype(np.int64)


def _filled_up(means: Floats, first: Floats, last: Floats, counts: NDArray[np.int64], clusters: int) -> Floats:
    """The means; in place of as many as are missing, two centres for each of the clusters that spread most."""
    spread = counts * (last - first) ** 2
    missing = min(clusters - len(means), np.count_nonzero(spread))
    if not missing:
        return means
    split = np.argsort(-spread, kind="stable")[:missing]
    whole = np.delete(means, split)
    return np.sort(np.concatenate([whole, (first + means)[split] / 2, (means + last)[split] / 2]))


def _midpoints(centres: Floats) -> Floats:
    return (centres[1:] + centres[:-1]) / 2
