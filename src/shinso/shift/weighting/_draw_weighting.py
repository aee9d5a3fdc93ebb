"""The picture of a fit before and after weighting."""

from typing import TYPE_CHECKING

import numpy as np

from shinso.shift._colours import GREEN, INDIGO, QUIET, VERMILION
from shinso.shift.weighting._compare_weighting import Hindsight, Weighting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_weighting(weighting: Weighting, figure: "Figure", *, test: Hindsight | None = None) -> None:
    """Draw both fits on the data, and below them where the inputs lie: in training, as weighted, and in the test.

    A disc's area is its example's weight. With ``test`` (of ``hindsight``) come the test data and the fit to them: the
    weighted fit should be near it, and the weighted inputs lie as the test's do, if the weights are right.
    Raises ValueError unless x has one feature.
    """
    if weighting.x.shape[1] != 1:
        raise ValueError(f"the picture has one axis for x, so one feature; got {weighting.x.shape[1]}")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    _draw_fits(weighting, test, upper)
    _draw_inputs(weighting, test, lower)
    figure.align_ylabels()


def _draw_fits(weighting: Weighting, test: Hindsight | None, axes: "Axes") -> None:
    inputs = weighting.x[:, 0]
    low, high = _range(weighting, test)
    grid = np.linspace(low, high, 200)
    fits = [
        ("fit, unweighted", weighting.unweighted, INDIGO, "-"),
        ("fit, weighted", weighting.weighted, VERMILION, "-"),
    ]
    if test is not None:
        axes.scatter(test.x[:, 0], test.y, s=14, marker="x", linewidths=0.7, color=GREEN, alpha=0.5, label="test")
        fits.append(("fit to the test data", test.fitted, GREEN, "--"))
    areas = 130 * weighting.weights / weighting.weights.max()
    axes.scatter(inputs, weighting.y, s=8, facecolors="none", edgecolors=QUIET, linewidths=0.8, label="training")
    axes.scatter(inputs, weighting.y, s=areas, color=VERMILION, alpha=0.22, linewidths=0, label="its weight")
    for label, model, colour, style in fits:
        axes.plot(grid, model.predict(grid[:, None]), color=colour, linestyle=style, linewidth=1.8, label=label)
    axes.set_ylabel("y")
    axes.set_title(
        "One model, two populations\n"
        f"the weights leave {len(inputs)} examples the strength of {weighting.effective_size:.0f}",
        loc="left",
    )
    axes.legend(frameon=False, fontsize="small", ncols=2)


def _draw_inputs(weighting: Weighting, test: Hindsight | None, axes: "Axes") -> None:
    inputs, weights = weighting.x[:, 0], weighting.weights
    low, high = _range(weighting, test)
    edges = np.linspace(low, high, 25).tolist()
    axes.hist(inputs, edges, density=True, color=INDIGO, alpha=0.3, label="training")
    axes.hist(inputs, edges, weights=weights, density=True, color=VERMILION, alpha=0.3, label="training, weighted")
    if test is not None:
        axes.hist(test.x[:, 0], edges, density=True, histtype="step", color=GREEN, linewidth=1.3, label="test")
    axes.set_xlabel("x")
    axes.set_ylabel("density of x")
    axes.legend(frameon=False, fontsize="small")


def _range(weighting: Weighting, test: Hindsight | None) -> tuple[float, float]:
    shown = weighting.x if test is None else np.concatenate([weighting.x, test.x])
    return float(shown.min()), float(shown.max())
