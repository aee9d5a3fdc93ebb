"""The measurement of shift tolerance on classifiers whose answer is known."""

from collections.abc import Callable

import pytest
import torch

from shinso.models._shift_tolerance import margin, shift_tolerance

IMAGES = torch.zeros(2, 1, 7, 7)
IMAGES[0, 0, 3, 3] = 1
IMAGES[1, 0, 2:5, 2:5] = 1
LABELS = torch.tensor([0, 1])


def by_brightness(x: torch.Tensor) -> torch.Tensor:
    return (x.sum((1, 2, 3)) > 1).long()


def by_centre_row(x: torch.Tensor) -> torch.Tensor:
    """Knows the small square by its place, anything else is the large one."""
    return torch.where(x[:, 0, 3].sum(1) == 1, 0, 1)


def by_centre_column(x: torch.Tensor) -> torch.Tensor:
    return by_centre_row(x.mT)


def test_what_does_not_look_at_the_place_tolerates_all_shifts() -> None:
    assert shift_tolerance(by_brightness, IMAGES, LABELS, [2, 0, 1]) == {0: 1.0, 1: 1.0, 2: 1.0}


@pytest.mark.parametrize("classify", [by_centre_row, by_centre_column])
def test_what_does_loses_in_the_directions_that_matter(classify: Callable[[torch.Tensor], torch.Tensor]) -> None:
    # Along the line it still stands on it, in six of the eight directions it does not.
    assert shift_tolerance(classify, IMAGES, LABELS, [0, 1]) == {0: 1.0, 1: (1 + 2 / 8) / 2}


def test_the_margin_is_the_narrowest() -> None:
    assert margin(IMAGES) == 2
    assert margin(IMAGES[:1]) == 3
    assert margin(torch.zeros(1, 1, 4, 6)) == 4
    assert margin(1 - IMAGES, background=1.0) == 2


def test_shifts_that_cut_something_off_are_refused() -> None:
    with pytest.raises(ValueError, match=r"between 0 and the margin of the images, 2 pixels .* got \[1, 3\]: pad"):
        shift_tolerance(by_brightness, IMAGES, LABELS, [1, 3])
    with pytest.raises(ValueError, match="2 images and 1 labels"):
        shift_tolerance(by_brightness, IMAGES, LABELS[:1], [0])
