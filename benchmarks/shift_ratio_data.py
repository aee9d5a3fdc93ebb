"""Pairs of samples whose density ratio is known."""

from collections.abc import Callable

import numpy as np

from shinso.shift.ratio import Normal, NormalRatio

Weights = np.ndarray
Drawn = tuple[np.ndarray, np.ndarray, Callable[[np.ndarray], Weights]]
Problem = Callable[[np.random.Generator, int, int], Drawn]
"""From rows and columns: numerator, denominator, and the true ratio at rows."""


def lecture(rng: np.random.Generator, rows: int, columns: int) -> Drawn:
    """The two normal densities of lecture 000, of one column: the ratio's μ̄ = -0.28 and τ̄ = 0.38."""
    exact = NormalRatio(Normal(0.0, 0.3), Normal(0.5, 0.5))
    return rng.normal(0, 0.3, (rows, 1)), rng.normal(0.5, 0.5, (rows, 1)), lambda x: exact.weights(x[:, 0])


def shifted(rng: np.random.Generator, rows: int, columns: int) -> Drawn:
    """A mean moves by 0.7 in a random direction."""
    direction = rng.normal(size=columns)
    mean = 0.7 * direction / np.linalg.norm(direction)
    p, q = rng.normal(size=(rows, columns)) + mean, rng.normal(size=(rows, columns))
    return p, q, lambda x: np.exp(x @ mean - mean @ mean / 2)


def narrowed(rng: np.random.Generator, rows: int, columns: int) -> Drawn:
    """The first column narrows to 0.6 and moves by 0.5."""
    p, q = rng.normal(size=(rows, columns)), rng.normal(size=(rows, columns))
    p[:, 0] = 0.5 + 0.6 * p[:, 0]
    return p, q, lambda x: np.exp(x[:, 0] ** 2 / 2 - ((x[:, 0] - 0.5) / 0.6) ** 2 / 2) / 0.6


def heavy(rng: np.random.Generator, rows: int, columns: int) -> Drawn:
    """Student's t with 3 degrees of freedom, its first column moved by 0.7."""
    p, q = rng.standard_t(3, size=(rows, columns)), rng.standard_t(3, size=(rows, columns))
    p[:, 0] += 0.7
    return p, q, lambda x: ((1 + x[:, 0] ** 2 / 3) / (1 + (x[:, 0] - 0.7) ** 2 / 3)) ** 2


def accepted(
    rng: np.random.Generator, rows: int, columns: int, ratio: Callable[[np.ndarray], Weights], most: float
) -> np.ndarray:
    """Rows of the ratio's numerator, by rejection of normal ones; the ratio is at most ``most``."""
    drawn = rng.normal(size=(int(3 * most * rows) + 100, columns))
    return drawn[rng.uniform(size=len(drawn)) * most < ratio(drawn)][:rows]


def two_humps(rng: np.random.Generator, rows: int, columns: int) -> Drawn:
    """Of the first column, rows away from the middle are taken: the ratio has a valley, and is flat outside."""

    def ratio(x: np.ndarray) -> Weights:
        return np.asarray((1 - 0.9 * np.exp(-2 * x[:, 0] ** 2)) / (1 - 0.9 / np.sqrt(5)))

    return accepted(rng, rows, columns, ratio, 2), rng.normal(size=(rows, columns)), ratio


def interaction(rng: np.random.Generator, rows: int, columns: int) -> Drawn:
    """No column moves: only the sign of the first two columns' product does (of one column, its sign)."""

    def ratio(x: np.ndarray) -> Weights:
        return np.asarray(2 / (1 + np.exp(-3 * x[:, 0] * (x[:, 1] if columns > 1 else 1))))

    return accepted(rng, rows, columns, ratio, 2), rng.normal(size=(rows, columns)), ratio


def unchanged(rng: np.random.Generator, rows: int, columns: int) -> Drawn:
    """No shift."""
    return rng.normal(size=(rows, columns)), rng.normal(size=(rows, columns)), lambda x: np.ones(len(x))
