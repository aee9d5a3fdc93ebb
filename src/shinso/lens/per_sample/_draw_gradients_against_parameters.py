"""A picture of how large the examples' gradients are at parameters of every size."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from torch import Tensor

from shinso.lens.per_sample._bins import bin_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_gradients_against_parameters(share: Float[Tensor, "gradient parameter"], figure: "Figure") -> None:
    """Draw one reading of ``GradientParameterHistogram``: parameters across, gradients up, shares as colours.

    Both axes are logarithmic on either side of zero; sizes below and above all that was hit are left out. Each colour
    is a share of the entries, on a logarithmic scale; white cells were hit by no draw.
    """
    from matplotlib.colors import LogNorm

    values = share.detach().cpu().double().numpy()
    rows, columns = (_shown(values.sum(axis)) for axis in (1, 0))
    axes = figure.add_subplot()
    cells = np.ma.masked_equal(values[np.ix_(rows, columns)], 0)
    lowest = float(cells.min()) if cells.count() else 1e-4
    image = axes.imshow(cells, origin="lower", aspect="auto", norm=LogNorm(lowest, 1), cmap="viridis")
    names = bin_names()
    for axis, shown in ((axes.xaxis, columns), (axes.yaxis, rows)):
        # Powers of ten and zero only: half decades would crowd.
        marked = {i: names[bin] for i, bin in enumerate(shown) if names[bin].lstrip("-").startswith(("0", "1.0"))}
        axis.set_ticks(list(marked), [_power(name) for name in marked.values()])
    axes.tick_params(axis="x", rotation=60)
    axes.set_xlabel("parameter (lower end of bin by size)")
    axes.set_ylabel("gradient of one example")
    axes.set_title("Where the gradients of single examples are large")
    figure.colorbar(image, label="share of entries")


def _shown(totals: np.ndarray) -> list[int]:
    """Zero, and of each sign the bins from the smallest to the largest size that was hit with any sign."""
    zero = len(totals) // 2
    sizes = [abs(int(place) - zero) for place in np.flatnonzero(totals) if place != zero] or [1, zero]
    return [place for place in range(len(totals)) if place == zero or min(sizes) <= abs(place - zero) <= max(sizes)]


def _power(name: str) -> str:
    if name == "0":
        return "0"
    sign = "−" if name.startswith("-") else ""
    return f"${sign}10^{{{int(name.split('e')[1])}}}$"
