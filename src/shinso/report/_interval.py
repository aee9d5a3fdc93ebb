"""How far a measured value may be from the true one, because only so many examples were tested."""

import math

import numpy as np
from jaxtyping import Float

_Z95 = 1.959963984540054  # the 97.5 % point of the standard normal distribution


def wilson(correct: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson, J. Am. Stat. Assoc. 22, 1927, p. 209).

    Raises ValueError if nothing was counted or the counts contradict each other.
    """
    if not 0 <= correct <= total or total == 0:
        raise ValueError(f"correct must lie between 0 and a positive total; got {correct} of {total}")
    share, z2 = correct / total, _Z95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    # At the ends the bound is the end itself; rounding must not move it.
    return (0.0 if correct == 0 else centre - half), (1.0 if correct == total else centre + half)


def rmse_interval(errors: Float[np.ndarray, " examples"]) -> tuple[float, float]:
    """The 95 % interval of a root mean squared error: the normal interval of the mean squared error, in its root.

    It rests on the central limit theorem, thus on many examples; raises ValueError for fewer than two.
    """
    if len(errors) < 2:
        raise ValueError(f"an interval needs the errors of at least two examples; got {len(errors)}")
    squares = np.square(errors.astype(np.float64))
    half = _Z95 * squares.std(ddof=1) / math.sqrt(len(squares))
    low, high = max(squares.mean() - half, 0.0), squares.mean() + half
    return math.sqrt(low), math.sqrt(high)
