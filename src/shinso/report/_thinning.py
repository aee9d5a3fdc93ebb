"""Long series made short enough to draw, without losing what matters."""

import numpy as np
from jaxtyping import Bool, Float, Shaped

MOST_POINTS = 2000


def thinned(values: Float[np.ndarray, " points"], most: int = MOST_POINTS) -> Shaped[np.ndarray, " kept"]:
    """The positions to draw: all of a short series; of a long one the least and the greatest of each bucket.

    The first and the last are kept too, and one that is not finite where a bucket has any, so that gaps stay seen.
    """
    if len(values) <= most:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for bucket in np.array_split(np.arange(len(values)), (most - 2) // 3):
        finite = np.isfinite(values[bucket])
        kept.update(_extremes(bucket[finite], values[bucket[finite]]), bucket[~finite][:1].tolist())
    return np.array(sorted(kept))


def _extremes(positions: np.ndarray, values: np.ndarray) -> list[int]:
    return [int(positions[values.argmin()]), int(positions[values.argmax()])] if len(values) else []


def smoothed(values: Float[np.ndarray, " points"], window: int) -> Float[np.ndarray, " points"]:
    """The mean over ``window`` (odd) neighbours, itself in the middle; fewer at the ends, and only of finite ones."""
    finite: Bool[np.ndarray, " points"] = np.isfinite(values)
    weights = np.ones(window)
    half = window // 2
    sums = np.convolve(np.where(finite, values, 0.0), weights)[half : half + len(values)]
    counts = np.rint(np.convolve(finite.astype(np.float64), weights)[half : half + len(values)])
    means = np.full(len(values), np.nan)
    means[finite] = sums[finite] / counts[finite]
    return means
