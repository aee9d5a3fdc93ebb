"""VC dimensions that are known, and single labellings that can or cannot be made."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shinso.lens.generalization import (
    balls,
    balls_and_complements,
    boxes,
    half_spaces,
    intervals,
    powers_of_half,
    random_points,
    restriction,
    shatters,
    sines,
    vc_dimension,
)

SQUARE = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
EXCLUSIVE_OR = np.array([-1, -1, 1, 1])

KNOWN = {
    "lines": (half_spaces, 2, 3),
    "planes": (half_spaces, 3, 4),
    "discs": (balls, 2, 3),
    "discs_and_complements": (balls_and_complements, 2, 4),
    "rectangles": (boxes, 2, 4),
    "intervals": (intervals, 1, 2),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_search_finds_the_known_dimension(name: str) -> None:
    family, dimensions, expected = KNOWN[name]
    found = vc_dimension(family, random_points(dimensions, sets=12))
    assert found.at_least == expected
    assert found.searched == 12
    assert found.points is not None
    assert shatters(family, found.points)
    assert str(found) == f"VC dimension {expected}, as far as 12 sets of {expected + 1} points tell"


def test_one_parameter_shatters_as_many_points_as_one_likes() -> None:
    found = vc_dimension(sines, powers_of_half, up_to=10)
    assert str(found) == "VC dimension at least 10 (the limit of the search)"
    assert sines(np.array([[0.3], [0.7]]), np.array([1, 1])) is not None


def test_lines_make_fourteen_of_sixteen_labellings_of_a_square() -> None:
    found = restriction(half_spaces, SQUARE)
    assert found.count == 14
    assert not found.is_shattered
    missing = [tuple(labels) for labels, h in zip(found.labellings, found.classifiers, strict=True) if h is None]
    assert sorted(missing) == [(-1, -1, 1, 1), (1, 1, -1, -1)]
    assert half_spaces(SQUARE, EXCLUSIVE_OR) is None
    assert restriction(half_spaces, SQUARE[:3]).is_shattered


def test_of_points_on_one_line_three_are_not_shattered() -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    assert restriction(half_spaces, points).count == 6


@given(st.integers(1, 6), st.integers(0, 999))
@settings(max_examples=8, deadline=None)
def test_lines_make_as_many_labellings_as_cover_counted(count: int, seed: int) -> None:
    # Cover 1965: 2 Σ_{k<d} C(N−1, k) with d = 3 for lines and points in general position.
    points = np.random.default_rng(seed).standard_normal((count, 2))
    expected = 2 * sum(_choose(count - 1, k) for k in range(3))
    assert restriction(half_spaces, points).count == expected


def _choose(n: int, k: int) -> int:
    return int(np.prod([(n - i) / (i + 1) for i in range(k)]).round()) if k <= n else 0


@given(st.integers(1, 6), st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_rectangles_make_what_rectangles_around_points_hold(count: int, seed: int) -> None:
    points = np.random.default_rng(seed).standard_normal((count, 2))
    corners = [np.append(points[:, axis], [-9, 9]) for axis in (0, 1)]
    held = set()
    for left in corners[0]:
        for right in corners[0]:
            for low in corners[1]:
                for high in corners[1]:
                    inside = (points >= (left, low)).all(1) & (points <= (right, high)).all(1)
                    held.add(tuple(inside.tolist()))
    assert restriction(boxes, points).count == len(held)


def test_a_disc_can_hold_the_centre_alone_but_not_everything_but_the_centre() -> None:
    points = np.vstack([SQUARE, [[0.5, 0.5]]])
    only_centre = np.array([-1, -1, -1, -1, 1])
    assert balls(points, only_centre) is not None
    assert balls(points, -only_centre) is None
    assert balls_and_complements(points, -only_centre) is not None


def test_a_family_that_gives_a_wrong_classifier_is_caught() -> None:
    def wrong(points: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda places: np.ones(len(places))

    with pytest.raises(ValueError, match=r"labels \[\[0.0, 0.0\]\] as \[1.0\] when it was asked for \[-1\]"):
        shatters(wrong, SQUARE[:1])


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"17 points have 2\^17 labellings; from 1 to 16 points"):
        shatters(half_spaces, np.zeros((17, 2)))
    with pytest.raises(ValueError, match="up_to is a number of points from 1 to 16; got 0"):
        vc_dimension(half_spaces, random_points(2), up_to=0)
    with pytest.raises(ValueError, match=r"points on a line, of shape \[points, 1\]; got \(4, 2\)"):
        intervals(SQUARE, EXCLUSIVE_OR)
    with pytest.raises(ValueError, match=r"sines are looked for at positive points; got -1.0"):
        sines(np.array([[-1.0]]), np.array([1]))
    with pytest.raises(ValueError, match="expected dimensions and sets of at least 1; got 0 and 5"):
        random_points(0, 5)


def test_candidates_are_the_same_each_time() -> None:
    def drawn(candidates: Iterable[np.ndarray]) -> np.ndarray:
        return np.stack(list(candidates))

    candidates = random_points(2, sets=6, seed=1)
    assert np.array_equal(drawn(candidates(3)), drawn(candidates(3)))
    np.testing.assert_allclose(np.linalg.norm(drawn(candidates(3))[1::2], axis=-1), 1)
