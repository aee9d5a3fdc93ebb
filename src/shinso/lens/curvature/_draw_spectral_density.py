"""The picture of a spectral density."""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from shinso.lens.curvature._colours import INDIGO, QUIET, VERMILION
from shinso.lens.curvature._spectral_density import SpectralDensity

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_spectral_density(density: SpectralDensity, figure: "Figure") -> None:
    """Draw the density of the eigenvalues on a logarithmic axis: negative ones red, those near zero grey."""
    width = density.width
    low, high = float(density.points.min()) - 4 * width, float(density.points.max()) + 4 * width
    grid = torch.linspace(low, high, 2000, dtype=torch.float64)
    # A single eigenvalue, widened, is this high; what is far below it is the tail of a normal density.
    one = 1 / (density.size * width * (2 * torch.pi) ** 0.5)
    axes = figure.subplots()
    axes.set_yscale("log")
    negative, positive = density.points < -width, density.points > width
    for which, colour, label in (
        (~negative & ~positive, QUIET, "zero, to within σ: flat"),
        (positive, INDIGO, "positive: uphill"),
        (negative, VERMILION, "negative: downhill"),
    ):
        heights = replace(density, weights=density.weights * which).at(grid, width)
        if float(heights.max()) > one / 10:
            seen = heights.where(heights > one / 10, float("nan"))
            share = 100 * float((density.weights * which).sum(dim=1).mean())
            axes.plot(grid, seen, color=colour, linewidth=1.6)
            axes.fill_between(
                grid, one / 10, seen, color=colour, alpha=0.2, linewidth=0, label=f"{label} ({share:.3g} %)"
            )
    axes.axhline(one, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)), label="height of one eigenvalue")
    axes.set_xlim(low, high)
    axes.set_ylim(one / 10, float(density.at(grid, width).max()) * 3)
    axes.set_xlabel("eigenvalue: curvature of the loss along its direction")
    axes.set_ylabel("share of eigenvalues per unit (log)")
    draws, products = density.points.shape
    axes.set_title(
        f"Where the {density.size:,} eigenvalues lie\n"
        f"{draws} × {products} Lanczos steps, each point widened by σ = {width:.2g}",
        loc="left",
    )
    axes.legend(loc="upper right", frameon=False)
