"""Families of classifiers whose VC dimension is known, each with the exact test whether a labelling can be made.

Each is a function of points ``[points, dimensions]`` and labels −1 and 1 to a classifier that makes them, or None.
"""

import math
from collections.abc import Callable

import numpy as np

from shinso.lens.generalization._shattering import Classifier


def half_spaces(points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    """sign(w·x + b): lines in the plane, of VC dimension 3; d + 1 in d dimensions (linear programming)."""
    return _linear_in(_affine, points, labels, _FREE)


def balls(points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    """1 inside a ball and −1 outside: discs in the plane, of VC dimension 3; d + 1 in d dimensions.

    A linear program in (‖x‖², x, 1); a half-space is the limit of a large ball, equal to one on finitely many points.
    """
    return _linear_in(_spherical, points, labels, (None, 0.0))


def balls_and_complements(points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    """1 inside or 1 outside a ball, as one likes: of VC dimension 4 in the plane, d + 2 in d dimensions."""
    return _linear_in(_spherical, points, labels, _FREE)


def boxes(points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    """1 inside a box with sides along the axes: rectangles in the plane, of VC dimension 4; 2d in d dimensions."""
    inside = points[labels == 1]
    if not len(inside):
        return _nowhere
    low, high = inside.min(0), inside.max(0)

    def classify(places: np.ndarray) -> np.ndarray:
        return np.where(((places >= low) & (places <= high)).all(1), 1, -1)

    return _if_right(classify, points, labels)


def intervals(points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    """1 inside an interval of the line: of VC dimension 2. Raises ValueError for points that are not on a line."""
    _check_line(points)
    return boxes(points, labels)


def sines(points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    """sign(sin ωx): one parameter, and infinite VC dimension, as the points 2⁻¹, 2⁻², … show (``powers_of_half``).

    Found for those points by ω = π(1 + Σ over the points labelled −1 of 1/x); None elsewhere means not found.
    Raises ValueError for points that are not on the positive line.
    """
    _check_line(points)
    if not (points > 0).all():
        raise ValueError(f"sines are looked for at positive points; got {points.min()}")
    frequency = math.pi * (1 + (1 / points[labels == -1]).sum())

    def classify(places: np.ndarray) -> np.ndarray:
        return np.where(np.sin(frequency * places[:, 0]) > 0, 1, -1)

    return _if_right(classify, points, labels)


def powers_of_half(size: int) -> list[np.ndarray]:
    """The one candidate set 2⁻¹, …, 2⁻ⁿ, for ``sines``."""
    return [0.5 ** np.arange(1.0, size + 1)[:, None]]


_FREE = (None, None)


def _affine(points: np.ndarray) -> np.ndarray:
    return np.column_stack([points, np.ones(len(points))])


def _spherical(points: np.ndarray) -> np.ndarray:
    return np.column_stack([(points**2).sum(1), points, np.ones(len(points))])


def _linear_in(
    features: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    labels: np.ndarray,
    first: tuple[float | None, float | None],
) -> Classifier | None:
    """A classifier sign(w·features), with w₁ in the bounds ``first``, found by the program y (w·features) ≥ 1."""
    from scipy.optimize import linprog

    rows = features(points)
    bounds = [first, *[_FREE] * (rows.shape[1] - 1)]
    found = linprog(np.zeros(rows.shape[1]), A_ub=-labels[:, None] * rows, b_ub=-np.ones(len(rows)), bounds=bounds)
    if found.status != 0:
        return None
    weights = found.x
    return _if_right(lambda places: np.where(features(places) @ weights > 0, 1, -1), points, labels)


def _if_right(classify: Classifier, points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    return classify if np.array_equal(classify(points), labels) else None


def _nowhere(places: np.ndarray) -> np.ndarray:
    return np.full(len(places), -1)


def _check_line(points: np.ndarray) -> None:
    if points.shape[1] != 1:
        raise ValueError(f"expected points on a line, of shape [points, 1]; got {points.shape}")
