"""Arrays as PNG pictures inside the page."""

import base64
import io

import numpy as np
from jaxtyping import Float, UInt8


def png_data_uri(pixels: UInt8[np.ndarray, "height width *channels"]) -> str:
    """The pixels as a PNG data URI: grey (no or 1 channel), RGB (3 channels), or RGB and opacity (4 channels)."""
    from PIL import Image

    grey = pixels.ndim == 3 and pixels.shape[2] == 1
    memory = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if grey else pixels)).save(memory, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(memory.getvalue()).decode()}"


# The indigo and the vermilion of style.css, halfway between their light and their dark form: seen well on both.
_ABOVE, _BELOW = (58, 128, 172), (214, 92, 66)


def signed(values: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 4"]:
    """Values of [-1, 1] as indigo above zero, vermilion below, clear at zero: it stands on a light or a dark page."""
    colour = np.where(values[:, :, None] >= 0, _ABOVE, _BELOW)
    opacity = np.rint(255 * np.abs(values))
    return np.dstack([colour, opacity]).astype(np.uint8)


def enlarged(pixels: UInt8[np.ndarray, "height width channels"], times: int) -> UInt8[np.ndarray, "tall wide channels"]:
    """Each pixel as a square of ``times`` by ``times``."""
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def sheet(tiles: UInt8[np.ndarray, "tiles height width 4"], columns: int, gap: int) -> UInt8[np.ndarray, "tall wide 4"]:
    """Tiles in rows of ``columns``, read like a text, with a clear gap between them."""
    count, height, width, channels = tiles.shape
    rows = -(-count // columns)
    page = np.zeros((rows * (height + gap) - gap, min(count, columns) * (width + gap) - gap, channels), np.uint8)
    for position, tile in enumerate(tiles):
        top, left = position // columns * (height + gap), position % columns * (width + gap)
        page[top : top + height, left : left + width] = tile
    return page
