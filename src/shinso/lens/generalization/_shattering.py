"""Shattering and VC dimension: which labellings of points a family of classifiers makes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Int

Classifier = Callable[[np.ndarray], np.ndarray]
"""From points ``[points, dimensions]`` to labels −1 and 1."""
Family = Callable[[np.ndarray, np.ndarray], Classifier | None]
"""From points ``[points, dimensions]`` and their labels −1 and 1 to a classifier of the family that makes these labels,
or None if there is none."""
Points = Callable[[int], Iterable[np.ndarray]]
"""From a number of points to sets of so many points among which to look for one that is shattered."""

_MOST_POINTS = 16


@dataclass(frozen=True)
class Restriction:
    """S_X(H): what a family of classifiers makes of a set of points."""

    points: Float[np.ndarray, "points dimensions"]
    labellings: Int[np.ndarray, "labellings points"]
    """All 2^points of them."""
    classifiers: tuple[Classifier | None, ...]
    """One that makes each labelling, None where the family has none."""

    @property
    def count(self) -> int:
        """|S_X(H)|: how many labellings the family makes."""
        return sum(classifier is not None for classifier in self.classifiers)

    @property
    def is_shattered(self) -> bool:
        """Whether it makes all of them (lecture 003 eq. 25)."""
        return self.count == len(self.classifiers)


def restriction(family: Family, points: Float[np.ndarray, "points dimensions"]) -> Restriction:
    """Which of the 2^n labellings of these points the family makes, with a classifier for each.

    Raises ValueError for more than 16 points, and for a family whose classifier does not make the labels it was asked
    for.

    Source: lecture 003 §2.2 eq. 24-25, fig. 7.
    """
    labellings = _labellings(len(points))
    classifiers = tuple(_classifier(family, points, labels) for labels in labellings)
    return Restriction(points, labellings, classifiers)


def shatters(family: Family, points: Float[np.ndarray, "points dimensions"]) -> bool:
    """Whether the family makes every labelling of these points (lecture 003 eq. 25); ends at the first it does not.

    >>> from shinso.lens.generalization import intervals
    >>> shatters(intervals, np.array([[1.0], [2.0]])), shatters(intervals, np.array([[1.0], [2.0], [3.0]]))
    (True, False)
    """
    return all(_classifier(family, points, labels) is not None for labels in _labellings(len(points)))


@dataclass(frozen=True)
class VCDimension:
    """The outcome of a search for the largest set of points that a family shatters."""

    at_least: int
    """So many points are shattered: proved by ``points``."""
    points: Float[np.ndarray, "points dimensions"] | None
    """Which; None where not even one point is."""
    searched: int
    """Sets of one point more that were tried, none of them shattered; 0 where the search ended at its limit."""

    def __str__(self) -> str:
        if not self.searched:
            return f"VC dimension at least {self.at_least} (the limit of the search)"
        return f"VC dimension {self.at_least}, as far as {self.searched} sets of {self.at_least + 1} points tell"


def vc_dimension(family: Family, candidates: Points, up_to: int = 8) -> VCDimension:
    """The largest number of points that the family shatters among the candidate sets, up to ``up_to`` points.

    ``at_least`` is proved: the points are there, and a classifier was checked for each labelling. That no larger set is
    shattered is only as sure as the candidates are many: the definition asks for one good set among all there are.
    Infinite dimensions show as ``at_least == up_to``.

    Raises ValueError for ``up_to`` outside 1..16.

    Source: lecture 003 §2.2; Vapnik and Chervonenkis 1971.

    >>> from shinso.lens.generalization import half_spaces, random_points
    >>> print(vc_dimension(half_spaces, random_points(2, sets=20)))
    VC dimension 3, as far as 20 sets of 4 points tell
    """
    if not 1 <= up_to <= _MOST_POINTS:
        raise ValueError(f"up_to is a number of points from 1 to {_MOST_POINTS}; got {up_to}")
    best: np.ndarray | None = None
    for size in range(1, up_to + 1):
        searched = 0
        for searched, points in enumerate(candidates(size), start=1):  # noqa: B007
            if shatters(family, points):
                best = points
                break
        else:
            return VCDimension(size - 1, best, searched)
    return VCDimension(up_to, best, 0)


def random_points(dimensions: int, sets: int = 100, seed: int = 0) -> Points:
    """Candidate sets drawn from a standard normal distribution, then as many spread evenly over a sphere, in turn.

    Points on a sphere are in convex position, which many families shatter best. The same at each call.
    """
    if dimensions < 1 or sets < 1:
        raise ValueError(f"expected dimensions and sets of at least 1; got {dimensions} and {sets}")

    def candidates(size: int) -> Iterable[np.ndarray]:
        generator = np.random.default_rng((seed, size))
        for number in range(sets):
            points = generator.standard_normal((size, dimensions))
            yield points / np.linalg.norm(points, axis=1, keepdims=True) if number % 2 and dimensions > 1 else points

    return candidates


def _labellings(size: int) -> Int[np.ndarray, "labellings points"]:
    if not 1 <= size <= _MOST_POINTS:
        raise ValueError(
            f"{size} points have 2^{size} labellings; from 1 to {_MOST_POINTS} points can be searched through"
        )
    return np.array(list(product((-1, 1), repeat=size)))


def _classifier(family: Family, points: np.ndarray, labels: np.ndarray) -> Classifier | None:
    classifier = family(points, labels)
    if classifier is not None and not np.array_equal(classifier(points), labels):
        raise ValueError(
            f"the family gave a classifier that labels {points.tolist()} as {np.asarray(classifier(points)).tolist()} "
            f"when it was asked for {labels.tolist()}: expected one that makes these labels, or None"
        )
    return classifier
