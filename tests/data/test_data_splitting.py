"""The split is a partition, stratified within one example, and a function of its seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shinso.data._splitting import Parts, split_at_random, split_by_class

labels = st.lists(st.integers(0, 5), max_size=80).map(lambda values: np.array(values, dtype=np.int64))
fractions = st.tuples(st.floats(0, 0.49), st.floats(0, 0.49))
seeds = st.integers(0, 2**32 - 1)


@given(labels, fractions, seeds)
def test_every_example_is_in_exactly_one_part(labels: np.ndarray, fractions: tuple[float, float], seed: int) -> None:
    for parts in (split_by_class(labels, *fractions, seed), split_at_random(len(labels), *fractions, seed)):
        assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))


@given(labels, fractions, seeds)
def test_each_class_has_its_share_within_one_example(
    labels: np.ndarray, fractions: tuple[float, float], seed: int
) -> None:
    parts = split_by_class(labels, *fractions, seed)
    for label in np.unique(labels):
        count = (labels == label).sum()
        for part, fraction in zip((parts.valid, parts.test), fractions, strict=True):
            assert abs((labels[part] == label).sum() - count * fraction) <= 1


@given(labels, st.tuples(st.floats(0.01, 0.49), st.floats(0.01, 0.49)), seeds)
def test_each_class_is_in_every_part_when_it_has_three_examples(
    labels: np.ndarray, fractions: tuple[float, float], seed: int
) -> None:
    parts = split_by_class(labels, *fractions, seed)
    for label in np.unique(labels):
        in_part = Parts(*((labels[part] == label).sum() for part in parts))
        count = (labels == label).sum()
        assert in_part.train >= 1
        assert count < 2 or in_part.test >= 1
        assert count < 3 or in_part.valid >= 1


@given(labels, fractions, seeds)
def test_the_same_seed_divides_alike(labels: np.ndarray, fractions: tuple[float, float], seed: int) -> None:
    first, second = (split_by_class(labels, *fractions, seed) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_another_seed_divides_otherwise() -> None:
    labels = np.zeros(100, dtype=np.int64)
    assert not np.array_equal(split_by_class(labels, 0.1, 0.2, 0).test, split_by_class(labels, 0.1, 0.2, 1).test)


@pytest.mark.parametrize(
    ("valid_fraction", "test_fraction", "message"),
    [
        (-0.1, 0.2, r"valid_fraction must be at least 0 and below 1; got -0.1"),
        (0.1, 1.0, r"test_fraction must be at least 0 and below 1; got 1.0"),
        (0.5, 0.5, r"must stay below 1 to leave examples to train on; got 0.5 \+ 0.5"),
    ],
)
def test_fractions_that_leave_nothing_are_refused(valid_fraction: float, test_fraction: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_at_random(10, valid_fraction, test_fraction, 0)
