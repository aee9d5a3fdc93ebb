"""Seeded division of examples into training, validation and test parts."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Parts(NamedTuple):
    """Sorted, disjoint positions of the examples of each part."""

    train: Int[np.ndarray, " train"]
    valid: Int[np.ndarray, " valid"]
    test: Int[np.ndarray, " test"]


def split_by_class(
    labels: Int[np.ndarray, " examples"], valid_fraction: float, test_fraction: float, seed: int
) -> Parts:
    """A random division in which each class has its share of every part, to within one example.

    A class too rare for its share still gives one example to each part when it has enough: one example goes to
    training, two to training and test, three to all. Raises ValueError for fractions that leave nothing to train on.
    """
    _check_fractions(valid_fraction, test_fraction)
    random = np.random.default_rng(seed)
    by_class = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    return _gather([_divide(members, valid_fraction, test_fraction) for members in by_class])


def split_at_random(examples: int, valid_fraction: float, test_fraction: float, seed: int) -> Parts:
    """A random division without regard to targets (regression). Raises ValueError as `split_by_class`."""
    _check_fractions(valid_fraction, test_fraction)
    members = np.random.default_rng(seed).permutation(examples)
    return _gather([_divide(members, valid_fraction, test_fraction)])


def split_by_target(targets: np.ndarray, valid_fraction: float, test_fraction: float, seed: int) -> Parts:
    """By class when the targets are labels (integers), else at random. Raises ValueError as `split_by_class`."""
    if np.issubdtype(targets.dtype, np.integer):
        return split_by_class(targets, valid_fraction, test_fraction, seed)
    return split_at_random(len(targets), valid_fraction, test_fraction, seed)


def _check_fractions(valid_fraction: float, test_fraction: float) -> None:
    for name, fraction in (("valid_fraction", valid_fraction), ("test_fraction", test_fraction)):
        if not 0 <= fraction < 1:
            raise ValueError(f"{name} must be at least 0 and below 1; got {fraction}")
    if valid_fraction + test_fraction >= 1:
        raise ValueError(
            f"valid_fraction + test_fraction must stay below 1 to leave examples to train on; "
            f"got {valid_fraction} + {test_fraction}"
        )


def _divide(members: np.ndarray, valid_fraction: float, test_fraction: float) -> Parts:
    """Cuts shuffled members into parts; rounding the cumulated shares keeps each part within one of its share."""
    total = len(members)
    test = round(total * test_fraction)
    valid = round(total * (test_fraction + valid_fraction)) - test
    if test_fraction and total >= 2:
        test = max(test, 1)
    if valid_fraction and total >= (3 if test_fraction else 2):
        valid = max(valid, 1)
    while test + valid >= max(total, 1):  # training keeps at least one example
        test, valid = (test - 1, valid) if test > valid else (test, valid - 1)
    return Parts(members[test + valid :], members[test : test + valid], members[:test])


def _gather(pieces: list[Parts]) -> Parts:
    nothing = np.empty(0, dtype=np.int64)
    return Parts(
        *(np.sort(np.concatenate(part)) for part in zip(Parts(nothing, nothing, nothing), *pieces, strict=True))
    )
