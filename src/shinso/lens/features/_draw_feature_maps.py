"""The picture of what the layers make of one image."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from torch import Tensor

from shinso.lens.features._sheet import picture_of, sheet, signed_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CHANNELS = 16


def draw_feature_maps(
    image: Float[Tensor, "channels height width"],
    maps: Mapping[str, Float[Tensor, "..."]],
    figure: "Figure",
) -> None:
    """Draw one image, and below it the first channels of each layer's maps of it, each layer scaled to its own largest.

    Raises ValueError for a layer whose output for one image is not [channels, rows, columns].
    """
    for layer, values in maps.items():
        if values.dim() != 3:
            raise ValueError(
                f"the output of {layer!r} for one image has the shape {tuple(values.shape)}; only maps, [channels, "
                "rows, columns], can be drawn: leave the layer out"
            )
    axes = figure.subplots(1 + len(maps), 1, squeeze=False)[:, 0]
    axes[0].imshow(*picture_of(image))
    axes[0].set_title("the image")
    for panel, (layer, values) in zip(axes[1:], maps.items(), strict=True):
        channels = values[:_MOST_CHANNELS].detach().double().cpu().numpy()
        largest = np.abs(channels).max(initial=1e-12)
        panel.imshow(sheet(np.stack([signed_colours(channel / largest) for channel in channels]), _MOST_CHANNELS))
        many, rows, columns = values.shape
        panel.set_title(f"{layer}: {len(channels)} of {many} channels, {rows} × {columns}, largest ± {largest:.3g}")
    for panel in axes:
        panel.set_axis_off()
        panel.set_anchor("W")
    figure.suptitle("What each layer answers, by place (blue: above zero, red: below)", x=0.01, ha="left")
