"""The picture of Dinh's caveat."""

from typing import TYPE_CHECKING

import torch

from shinso.lens.curvature._colours import GOLD, GREEN, INDIGO, QUIET, VERMILION
from shinso.lens.curvature._compare_rescalings import Rescalings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_rescalings(rescalings: Rescalings, figure: "Figure") -> None:
    """Draw four measures of sharpness of one network by factor, relative to the factor nearest to 1."""
    factors = torch.tensor(rescalings.factors, dtype=torch.float64)
    middle = int(factors.log().abs().argmin())
    measures = {
        "trace of the Hessian": (torch.tensor([found.value for found in rescalings.traces]), INDIGO, "o"),
        "largest eigenvalue": (rescalings.top_eigenvalues, GREEN, "s"),
        "ε-sharpness (Keskar)": (rescalings.epsilon_sharpness, GOLD, "^"),
        "filter-normalised sharpness": (rescalings.filter_normalized_sharpness, VERMILION, "D"),
    }
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.axhline(1, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    for name, (values, colour, marker) in measures.items():
        axes.plot(factors, values / values[middle], marker + "-", color=colour, label=name, markersize=5)
    axes.set_xticks(rescalings.factors, [f"{factor:g}" for factor in rescalings.factors])
    axes.minorticks_off()
    axes.set_xlabel("one layer times this factor, the next divided by it")
    axes.set_ylabel(f"sharpness, relative to that at {float(factors[middle]):g}")
    change = float(rescalings.output_changes.max())
    axes.set_title(
        f"One function, many sharpnesses\nthe outputs are the same to {change:.0e}, so only the red measure is of the "
        "function",
        loc="left",
    )
    axes.legend(frameon=False)
