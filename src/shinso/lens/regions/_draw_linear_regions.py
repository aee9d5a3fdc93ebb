"""The regions of a plane as a picture, and how each layer makes more of them."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.regions._plane_regions import PlaneRegions

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_PANELS = 6


def draw_linear_regions(
    regions: PlaneRegions, figure: "Figure", examples: Float[Tensor, "example *input"] | None = None
) -> None:
    """Draw the plane after each layer (the first and the last ones where there are many), with the examples as dots.

    Axes are distances in the input's own units. The colour of a region is that of its slope, so that regions which
    differ in the function they compute differ in colour; in panels before the last, it only tells neighbours apart.
    """
    layers = list(range(len(regions.polygons)))
    if len(layers) > _MOST_PANELS:
        layers = layers[: _MOST_PANELS // 2] + layers[-_MOST_PANELS // 2 :]
    columns = min(3, len(layers))
    panels = figure.subplots(-(-len(layers) // columns), columns, squeeze=False, sharex=True, sharey=True).flat
    for axes, layer in zip(panels, layers, strict=False):
        _draw_polygons(axes, regions, layer)
        if examples is not None:
            places = regions.plane.coordinates(examples).cpu().numpy() * regions.plane.size
            axes.plot(*places.T, "o", color="black", mec="white", ms=6, label="examples")
    for axes in list(panels)[len(layers) :]:
        axes.set_axis_off()
    figure.supxlabel("distance along the plane’s first edge (input units)", fontsize="medium")
    figure.supylabel("along its second edge", fontsize="medium")
    if examples is not None:
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower right")


def _draw_polygons(axes: "Axes", regions: PlaneRegions, layer: int) -> None:
    from matplotlib.collections import PolyCollection

    polygons = (regions.polygons[layer] * torch.tensor(regions.plane.size, dtype=torch.float64)).numpy()
    thin = max(0.1, 0.9 - 0.25 * np.log10(max(1, len(polygons))))
    drawn = PolyCollection(list(polygons), cmap="YlGnBu", edgecolors="#20252c", linewidths=thin)
    drawn.set_array(_shades(regions, layer))
    drawn.set_clim(-0.35, 1.25)
    axes.add_collection(drawn)
    axes.set(xlim=(0, regions.plane.size[0]), ylim=(0, regions.plane.size[1]), aspect="equal")
    axes.grid(visible=False)
    name = regions.layers[layer] if regions.layers else "no piecewise-linear function"
    count = len(polygons)
    axes.set_title(f"after {name}: {count:,} region{'s' if count != 1 else ''}", fontsize="medium")


def _shades(regions: PlaneRegions, layer: int) -> Float[np.ndarray, " polygon"]:
    """From 0 to 1: the rank of the slope of the output, or before the last layer a number to tell neighbours apart."""
    if layer == len(regions.polygons) - 1:
        steepness = regions.outputs[:, 1:].flatten(1).norm(dim=1).numpy()
        return np.argsort(np.argsort(steepness, kind="stable")) / max(1, len(steepness) - 1)
    # The golden ratio spreads the numbers of neighbours, which are close to each other, over the whole range.
    return np.arange(len(regions.polygons[layer])) * 0.618034 % 1.0
