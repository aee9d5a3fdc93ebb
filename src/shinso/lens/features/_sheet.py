"""Images and signed maps as pixels."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

_ABOVE, _BELOW = np.array((0x16, 0x5E, 0x83)) / 255, np.array((0xC4, 0x47, 0x2B)) / 255
"""Indigo above zero, vermilion below, as in the report."""


class Picture(NamedTuple):
    """Arguments of matplotlib's ``imshow``: colours as they are, or greys by a colour map."""

    pixels: Float[np.ndarray, "height width *colours"]
    colour_map: str | None = None


def picture_of(image: Float[Tensor, "channels height width"]) -> Picture:
    """An image of three channels in colour, of any other number the mean of them in grey.

    Values of [0, 1] stay as they are; others, such as standardised ones, are spread from black to white.
    """
    pixels = _array(image)
    low, high = float(np.nanmin(pixels)), float(np.nanmax(pixels))
    if low < -1e-3 or high > 1 + 1e-3:
        pixels = (pixels - low) / max(high - low, 1e-12)
    if len(pixels) == 3:
        return Picture(pixels.transpose(1, 2, 0).clip(0, 1))
    # Grey as colours, so that matplotlib does not stretch it.
    return Picture(np.repeat(pixels.mean(0)[..., None], 3, axis=2).clip(0, 1))


def signed_picture_of(
    image: Float[Tensor, "channels height width"], largest: float
) -> Float[np.ndarray, "height width 3"]:
    """A signed image: of three channels in colours around grey, else its mean, indigo above 0 and vermilion below.

    ``largest`` is the value with the full colour.
    """
    scaled = _array(image) / max(largest, np.finfo(np.float64).tiny)
    return (0.5 + 0.5 * scaled.transpose(1, 2, 0)).clip(0, 1) if len(scaled) == 3 else signed_colours(scaled.mean(0))


def signed_colours(values: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width 3"]:
    """Values of [-1, 1] as indigo above zero, vermilion below, white at zero."""
    strength = np.abs(np.nan_to_num(values)).clip(0, 1)[..., None]
    colours: Float[np.ndarray, "height width 3"] = 1 - strength * (1 - np.where(values[..., None] >= 0, _ABOVE, _BELOW))
    return colours


def sheet(
    tiles: Float[np.ndarray, "tiles height width 3"], columns: int, gap: int = 1
) -> Float[np.ndarray, "tall wide 4"]:
    """Tiles in rows of ``columns``, read like a text, with a clear gap between them."""
    count, height, width, _ = tiles.shape
    rows = -(-count // columns)
    page = np.zeros((rows * (height + gap) - gap, min(count, columns) * (width + gap) - gap, 4))
    for place, tile in enumerate(tiles):
        top, left = place // columns * (height + gap), place % columns * (width + gap)
        page[top : top + height, left : left + width] = np.concatenate([tile, np.ones((height, width, 1))], 2)
    return page


def enlarged(values: Float[Tensor, "rows columns"], size: tuple[int, int]) -> Float[Tensor, "height width"]:
    """A coarse map at the size of the image, by bilinear interpolation."""
    return F.interpolate(values[None, None].float(), size, mode="bilinear", align_corners=False)[0, 0]


def _array(image: Tensor) -> Float[np.ndarray, "channels height width"]:
    return image.detach().to("cpu", torch.float64).numpy()
