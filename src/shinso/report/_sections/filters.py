"""What the first layer looks for: its filters as pictures, before and after training."""

import numpy as np
from jaxtyping import Float, UInt8

from shinso.record import Record
from shinso.report._markup import Section, captioned, picture
from shinso.report._numbers import number
from shinso.report._optional import series
from shinso.report._pictures import enlarged, png_data_uri, sheet, signed

_MOST_TILES = 128
_TILE_WIDTH = 36  # CSS pixels, about


def section(record: Record) -> Section | None:
    """The filters at the first and at the last step they were recorded."""
    readings = series(record, "filters/first")
    if readings is None or readings.values.ndim != 5:
        return None
    last = len(readings.values) - 1
    moments = [(0, f"at step {number(readings.steps[0])}"), (last, f"at step {number(readings.steps[last])}")]
    if readings.steps[0] == 0:
        moments[0] = (0, "before training")
    body = "".join(_filters(readings.values[i], when) for i, when in moments[last == 0 :])
    return Section("filters", "What its first layer looks for", f'<div class="pair">{body}</div>')


def _filters(weights: Float[np.ndarray, "out in height width"], when: str) -> str:
    tiles = _tiles(weights)
    times = max(2, _TILE_WIDTH // weights.shape[3])
    large = np.stack([enlarged(tile, times) for tile in tiles[:_MOST_TILES]])
    page = sheet(large, columns=8 if len(large) <= 64 else 16, gap=6)
    colours = "in colour, grey being zero" if weights.shape[1] == 3 else "indigo above zero, vermilion below"
    caption = (
        f"The {number(len(weights))} filters {when}, each scaled to its own largest weight ({colours}). "
        "Trained ones show edges, spots and colours; a bad sign: they still look like noise, or many look the same."
    )
    if len(tiles) > _MOST_TILES:
        caption += (
            f" The first {_MOST_TILES} of {number(len(tiles))} kernels are shown, those of one filter side by side."
        )
    return captioned(picture(png_data_uri(page), f"Filters of the first layer {when}", page.shape[1]), caption)


def _tiles(weights: Float[np.ndarray, "out in height width"]) -> UInt8[np.ndarray, "tiles height width 4"]:
    """One colour tile a filter if there are three input channels, else one signed tile for each pair of channels."""
    scaled = weights / np.maximum(np.abs(weights).max(axis=(1, 2, 3), keepdims=True), np.finfo(np.float32).tiny)
    scaled = np.nan_to_num(scaled)
    if weights.shape[1] == 3:
        colour = np.rint(127.5 + 127.5 * scaled.transpose(0, 2, 3, 1)).astype(np.uint8)
        return np.concatenate([colour, np.full_like(colour[..., :1], 255)], axis=-1)
    return np.stack([signed(kernel) for kernel in scaled.reshape(-1, *weights.shape[2:])])
