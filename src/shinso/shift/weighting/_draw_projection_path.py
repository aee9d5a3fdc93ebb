"""The picture of two populations and the model between them."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from shinso.shift._colours import INDIGO, VERMILION
from shinso.shift.weighting._projection_path import ProjectionPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_projection_path(path: ProjectionPath, figure: "Figure") -> None:
    """Draw the lines of the path on the true curve, and the path on the plane of all lines.

    On the plane each point is a line; around each population's projection run the contours of its divergence from
    the lines, every line with its own best variance. Going by the weights' exponent from the one to the other
    exchanges nearness to the training population for nearness to the test population.
    """
    left, right = figure.subplots(1, 2)
    _draw_lines(path, left)
    _draw_plane(path, right)


def _draw_lines(path: ProjectionPath, axes: "Axes") -> None:
    from matplotlib.colors import LinearSegmentedColormap

    between = LinearSegmentedColormap.from_list("path", [INDIGO, VERMILION])
    peak = max(path.train_masses.max(), path.test_masses.max())
    seen = np.maximum(path.train_masses, path.test_masses) > 0.03 * peak
    inputs = path.inputs[seen]
    for which in np.linspace(0, len(path.exponents) - 1, 11).astype(int):
        axes.plot(
            inputs,
            path.intercepts[which] + path.slopes[which] * inputs,
            color=between(path.exponents[which]),
            linewidth=1.0,
            alpha=0.8,
        )
    axes.plot(inputs, path.curve[seen], color="black", linewidth=1.8, label="true mean of y")
    low, high = axes.get_ylim()
    height = 0.25 * (high - low) / peak
    for masses, colour, label in (
        (path.train_masses, INDIGO, "training inputs"),
        (path.test_masses, VERMILION, "test inputs"),
    ):
        axes.fill_between(inputs, low, low + height * masses[seen], color=colour, alpha=0.25, linewidth=0, label=label)
    axes.set_ylim(low, high)
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    axes.set_title("The nearest line, from one population to the other", loc="left")
    axes.legend(frameon=False, fontsize="small")


def _draw_plane(path: ProjectionPath, axes: "Axes") -> None:
    intercepts, slopes = _around(path.intercepts), _around(path.slopes)
    mesh = np.meshgrid(intercepts, slopes)
    ends = ((path.train_masses, INDIGO, 0, "training"), (path.test_masses, VERMILION, -1, "test"))
    for masses, colour, end, label in ends:
        found = _profiled(path, masses, *mesh)
        near, far = (_profiled(path, masses, path.intercepts[[at]], path.slopes[[at]])[0] for at in (end, -1 - end))
        if far > near:
            # Even steps in the root are even steps in distance; one contour goes through the other projection.
            levels = near + np.linspace(0.2, 1.4, 7) ** 2 * (far - near)
            axes.contour(*mesh, found, levels=levels, colors=colour, linewidths=0.7, alpha=0.6)
        axes.plot(
            path.intercepts[end], path.slopes[end], "o", color=colour, markersize=9, zorder=5,
            label=f"projection of the {label} population",
        )  # fmt: skip
    axes.plot(path.intercepts, path.slopes, color="black", linewidth=1.6, label="weights to the power λ", zorder=4)
    for power in (0.25, 0.5, 0.75):
        which = int(np.abs(path.exponents - power).argmin())
        at = (path.intercepts[which], path.slopes[which])
        axes.plot(*at, "o", color="black", markersize=4, zorder=5)
        axes.annotate(f"λ = {path.exponents[which]:g}", at, xytext=(7, 3), textcoords="offset points", fontsize="small")
    axes.set_xlabel("intercept of the line")
    axes.set_ylabel("slope of the line")
    axes.set_title("The same path on the model: each point is a line", loc="left")
    axes.legend(frameon=False, fontsize="small")


def _around(values: Float[np.ndarray, " exponents"]) -> Float[np.ndarray, " grid"]:
    low, high = float(values.min()), float(values.max())
    margin = 0.6 * (high - low) if high > low else 1.0
    return np.linspace(low - margin, high + margin, 81)


def _profiled(
    path: ProjectionPath,
    masses: Float[np.ndarray, " points"],
    intercepts: Float[np.ndarray, "*shape"],
    slopes: Float[np.ndarray, "*shape"],
) -> Float[np.ndarray, "*shape"]:
    variances = path.mean_squares(masses, intercepts, slopes) + path.noise_variance
    return path.divergences(masses, intercepts, slopes, variances)
