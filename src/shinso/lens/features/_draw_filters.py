"""The picture of a layer's filters."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from torch import Tensor

from shinso.lens.features._sheet import sheet, signed_picture_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_TILES = 96


def draw_filters(filters: Float[Tensor, "filters channels height width"], figure: "Figure") -> None:
    """Draw the filters in rows, each scaled to its own largest weight.

    Filters of three channels are in colour around grey; others have a tile for each channel, indigo above zero and
    vermilion below.
    """
    many, channels, height, width = filters.shape
    tiles = filters if channels == 3 else filters.reshape(-1, 1, height, width)
    largest = filters.abs().amax((1, 2, 3)).repeat_interleave(len(tiles) // many)
    shown = min(len(tiles), _MOST_TILES)
    colours = [signed_picture_of(tiles[place], float(largest[place])) for place in range(shown)]
    axes = figure.subplots()
    columns = 12 if channels in (1, 3) else channels * max(1, 12 // channels)
    axes.imshow(sheet(np.stack(colours), columns))
    axes.set_axis_off()
    axes.set_anchor("NW")
    key = "grey: zero" if channels == 3 else "blue: above zero, red: below, white: zero"
    if channels not in (1, 3):
        key += f"\n{channels} channels of a filter side by side"
    left_out = "" if shown == len(tiles) else f" (the first {shown} of {len(tiles)} tiles)"
    axes.set_title(f"{many} filters of {height} × {width}{left_out}\n{key}; each by its own largest weight")
