"""How well a classifier recognises images that are moved (what the neocognitron was made for; lecture 001)."""

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor

_DIRECTIONS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def shift_tolerance(
    classify: Callable[[Tensor], Tensor],
    images: Float[Tensor, "batch channel height width"],
    labels: Int[Tensor, " label"],
    shifts: Iterable[int],
    *,
    background: float = 0.0,
) -> dict[int, float]:
    """For each shift in pixels, the share of images that are classified rightly, the mean over eight directions.

    ``classify`` maps images to predicted labels ``[batch]``, for a network ``lambda x: model(x).argmax(1)``. Moved
    images are filled up with the background. Raises ValueError if a shift moves anything but background out of the
    frame: then the classifier would not be to blame.
    """
    shifts = sorted(set(shifts))
    _check(images, labels, shifts, background)
    tolerance = {}
    for shift in shifts:
        directions = _DIRECTIONS if shift else [(0, 0)]
        moved = (torch.roll(images, (down * shift, right * shift), (2, 3)) for down, right in directions)
        accuracies = [(classify(x) == labels).double().mean() for x in moved]
        tolerance[shift] = float(torch.stack(accuracies).mean())
    return tolerance


def margin(images: Float[Tensor, "batch channel height width"], background: float = 0.0) -> int:
    """How many pixels wide the rim is that shows nothing but background in all images."""
    shown = (images != background).flatten(0, 1).any(0)
    rows, columns = shown.any(1).nonzero(), shown.any(0).nonzero()
    if not len(rows):
        return min(shown.shape)
    ends = (rows[0], shown.shape[0] - 1 - rows[-1], columns[0], shown.shape[1] - 1 - columns[-1])
    return min(int(end) for end in ends)


def _check(images: Tensor, labels: Tensor, shifts: list[int], background: float) -> None:
    if len(images) != len(labels) or not len(images):
        raise ValueError(
            f"shift_tolerance needs a label for each image, and one at least; got {len(images)} images "
            f"and {len(labels)} labels"
        )
    widest = margin(images, background)
    if not shifts or shifts[0] < 0 or shifts[-1] > widest:
        raise ValueError(
            f"shifts must lie between 0 and the margin of the images, {widest} pixels of background {background:g}; "
            f"got {shifts}: pad the images"
        )
