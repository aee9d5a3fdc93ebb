"""The picture of a density ratio: the weights along each feature."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from shinso.shift._colours import INDIGO, QUIET, VERMILION
from shinso.shift.ratio._density_ratio import DensityRatio
from shinso.shift.ratio._table import Table, read_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 3000
POINTS_OF_THE_LINE = 120
LEAST_LOGARITHM = -12.0


def draw_ratio_along_features(ratio: DensityRatio, x: Table, names: Sequence[str], figure: "Figure") -> None:
    """Draw, by feature, the weight of each row of ``x`` over the feature's value, and their smoothed mean.

    A line off the dotted 1 shows where rows are wanted (above) or spared (below); a flat one at 1 a feature that has
    not moved. The line is of means over the other features too: what moves together looks alike.
    Raises ValueError unless there is a name for each column.
    """
    table = read_table(x, "table x").values
    if len(names) != table.shape[1]:
        raise ValueError(f"each column needs a name; got {len(names)} names for {table.shape[1]} columns")
    weights = ratio.weights(x)
    columns = min(4, len(names))
    grid = figure.subplots(-(-len(names) // columns), columns, squeeze=False, sharey=True).ravel()
    for number, axes in enumerate(grid):
        if number >= len(names):
            axes.set_axis_off()
            continue
        _draw_feature(axes, table[:, number], weights)
        axes.set_xlabel(names[number])
        if number % columns == 0:
            axes.set_ylabel("weight (log)")
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, markerscale=2)
    worth, rows = ratio.effective_sample_size, ratio.diagnosis.rows
    figure.suptitle(
        f"Weights by {ratio.diagnosis.method}: {rows:,} rows are worth {worth:,.0f}",
        x=0.01,
        ha="left",
        fontsize="large",
    )


def _draw_feature(axes: "Axes", values: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]) -> None:
    shown = np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).astype(int)
    seen = np.maximum(weights, np.exp(LEAST_LOGARITHM))
    axes.set_yscale("log")
    axes.scatter(
        values[shown], seen[shown], s=7, color=INDIGO, alpha=0.25, linewidths=0, rasterized=True, label="one row"
    )
    points, means = smoothed(values, weights)
    axes.plot(points, np.maximum(means, np.exp(LEAST_LOGARITHM)), color=VERMILION, linewidth=2, label="smoothed mean")
    axes.axhline(1, color=QUIET, linewidth=0.9, linestyle=":", label="no shift: 1")
    low = max(float(np.quantile(seen, 0.005)) / 3, float(np.exp(LEAST_LOGARITHM)))
    axes.set_ylim(low, max(float(seen.max()), 1.0) * 2)
    axes.spines[["top", "right"]].set_visible(False)


def smoothed(
    values: Float[np.ndarray, " rows"], weights: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Points between the 1 % and 99 % quantiles, and the mean weight around each under a normal window.

    The window's standard deviation is a thirtieth of their distance, wide enough for single rows not to show.
    """
    low, high = np.quantile(values, [0.01, 0.99])
    if low == high:
        return np.array([low]), np.array([weights.mean()])
    points = np.linspace(low, high, POINTS_OF_THE_LINE)
    # Windows over a histogram, so that the cost does not grow with rows times points.
    edges = np.linspace(low - 0.2 * (high - low), high + 0.2 * (high - low), 1001)
    centres = (edges[1:] + edges[:-1]) / 2
    counts = np.histogram(values, edges)[0]
    totals = np.histogram(values, edges, weights=weights)[0]
    window = np.exp(-0.5 * ((points[:, None] - centres) / ((high - low) / 30)) ** 2)
    # A point between two far clusters has no row near; its mean is then that of none.
    near = window @ counts
    return points, np.divide(window @ totals, near, where=near > 1e-3, out=np.full(len(points), np.nan))
