"""The picture of attributions: each image beside what different methods say about it."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.features._sheet import enlarged, picture_of, signed_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_attributions(
    images: Float[Tensor, "batch channels height width"],
    maps: Mapping[str, Float[Tensor, "batch ..."]],
    figure: "Figure",
    names: Sequence[str] | None = None,
) -> None:
    """Draw each image in a row with the named attribution maps laid over it; ``names`` of the images stand at the left.

    Maps are as large as the images, of which the sum over the channels is drawn, or coarser [batch, rows, columns], as
    of Grad-CAM and occlusion. Each is scaled to its 99th percentile: colours say where, not how much.
    """
    axes = figure.subplots(len(images), 1 + len(maps), squeeze=False)
    for row, image in enumerate(images):
        axes[row, 0].imshow(*picture_of(image))
        if names is not None:
            axes[row, 0].set_ylabel(names[row], rotation=0, ha="right", va="center")
        for panel, values in zip(axes[row, 1:], maps.values(), strict=True):
            panel.imshow(_overlay(image, values[row]))
    for panel, title in zip(axes[0], ("image", *maps), strict=True):
        panel.set_title(textwrap.fill(title, 12), loc="center", va="bottom")
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
        panel.grid(visible=False)
        panel.spines[:].set_visible(False)
    figure.suptitle("What speaks for the answer (blue) and against it (red)", x=0.01, ha="left")


def _overlay(image: Tensor, values: Tensor) -> Float[np.ndarray, "height width 3"]:
    height, width = image.shape[1:]
    flat = values.sum(0) if values.dim() == 3 else values
    flat = flat if flat.shape == (height, width) else enlarged(flat, (height, width))
    scale = torch.quantile(flat.abs().float().flatten(), 0.99).clamp_min(1e-30)
    colours = signed_colours((flat / scale).clamp(-1, 1).detach().cpu().double().numpy())
    # The image faint and in grey, so that every colour is the map's.
    grey = picture_of(image).pixels.mean(2, keepdims=True)
    overlay: Float[np.ndarray, "height width 3"] = colours * (0.75 + 0.25 * grey)
    return overlay
