"""The picture of a set of points in the plane under all labellings."""

import math
from typing import TYPE_CHECKING

import numpy as np

from shinso.lens.generalization._colours import INDIGO, QUIET, VERMILION
from shinso.lens.generalization._shattering import Restriction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 240


def draw_restriction(restriction: Restriction, figure: "Figure", family: str = "the family") -> None:
    """A panel for each labelling: the points, and the region that a classifier of the family calls 1.

    What is labelled 1 is red (round points), what is labelled −1 blue (square points). A panel with a cross is a
    labelling that the family cannot make (lecture 003 fig. 7). Raises ValueError for points that are not in the plane.
    """
    points = restriction.points
    if points.shape[1] != 2:
        raise ValueError(f"only points in the plane can be drawn; these have {points.shape[1]} coordinates")
    count = len(restriction.labellings)
    columns = min(count, 2 ** math.ceil(math.log2(count) / 2) if count < 32 else 8)
    panels = figure.subplots(math.ceil(count / columns), columns, squeeze=False).ravel()
    reach = np.abs(points - points.mean(0)).max() * 1.7 + 1e-9
    for axes, labels, classifier in zip(panels, restriction.labellings, restriction.classifiers, strict=False):
        _frame(axes, points.mean(0), reach)
        if classifier is None:
            axes.plot([0, 1], [0, 1], [0, 1], [1, 0], transform=axes.transAxes, color=QUIET, lw=0.8, alpha=0.6)
            label = axes.text(0.5, 0.5, "not possible", transform=axes.transAxes, ha="center", va="center", fontsize=8)
            label.set(color=QUIET, bbox={"facecolor": axes.get_facecolor(), "edgecolor": "none"})
        else:
            _draw_region(axes, classifier, points.mean(0), reach)
        for value, colour, marker in ((1, VERMILION, "o"), (-1, INDIGO, "s")):
            x, y = points[labels == value].T
            axes.scatter(x, y, c=colour, marker=marker, s=42, zorder=3, edgecolors="white", linewidths=0.8)
    figure.suptitle(
        f"{family}: {restriction.count} of {count} labellings of {len(points)} points"
        + (" – shattered" if restriction.is_shattered else ""),
        x=0.02,
        ha="left",
    )


def _frame(axes: "Axes", centre: np.ndarray, reach: float) -> None:
    axes.set(xlim=(centre[0] - reach, centre[0] + reach), ylim=(centre[1] - reach, centre[1] + reach))
    axes.set(xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#e2ded4")


def _draw_region(axes: "Axes", classifier: object, centre: np.ndarray, reach: float) -> None:
    assert callable(classifier)
    ticks = np.linspace(-reach, reach, _SIDE)
    x, y = np.meshgrid(centre[0] + ticks, centre[1] + ticks)
    labels = np.asarray(classifier(np.column_stack([x.ravel(), y.ravel()]))).reshape(x.shape)
    axes.contourf(x, y, labels, levels=[-2, 0, 2], colors=[INDIGO, VERMILION], alpha=0.13)
