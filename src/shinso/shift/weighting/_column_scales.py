"""What columns are divided by, so that the constant ones count for nothing."""

import numpy as np
from jaxtyping import Float

_ROUNDING = 1e-12


def column_scales(
    spread: Float[np.ndarray, "*draws d"], x: Float[np.ndarray, "*draws n d"], weights: Float[np.ndarray, "*draws n"]
) -> Float[np.ndarray, "*draws d"]:
    """The spreads of the columns about their means, infinite for those that are constant among the weighed examples.

    Divided by them such a column becomes 0, and so does its coefficient. Rounding alone gives a constant column a
    spread of about its size times 1e-16, which scaled up would be a column of noise: what is below 1e-12 of the
    column's largest entry is held to be rounding.
    """
    largest = np.abs(x).max(axis=-2, where=(weights > 0)[..., None], initial=0)
    return np.where(spread > _ROUNDING * largest, spread, np.inf)
