"""The picture of losses on a plane."""

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.curvature._colours import DEPTHS, QUIET
from shinso.lens.curvature._loss_plane import LossPlane
from shinso.lens.curvature._principal_plane import PrincipalPlane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_loss_plane(plane: LossPlane, figure: "Figure", trajectory: PrincipalPlane | None = None) -> None:
    """Draw a surface and its contours side by side, with a trajectory's shadow where one is given.

    Heights and colours are logarithmic where losses are positive and differ more than thirtyfold.
    """
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("depths", DEPTHS)
    finite = plane.losses[plane.losses.isfinite()]
    if not len(finite):
        raise ValueError("no loss on the plane is finite; take a smaller part of it")
    logarithmic = float(finite.min()) > 0 and float(finite.max()) > 30 * float(finite.min())
    heights = plane.losses.log10() if logarithmic else plane.losses
    heights = heights.where(plane.losses.isfinite(), float("nan"))
    unit = "log₁₀ of the loss" if logarithmic else "loss"
    x, y = torch.meshgrid(plane.first, plane.second, indexing="xy")
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 1.15))
    left, right = figure.add_subplot(grid[0], projection="3d"), figure.add_subplot(grid[1])
    _draw_surface(left, x, y, heights, colours)
    drawn = right.contourf(x, y, heights, levels=24, cmap=colours)
    right.contour(x, y, heights, levels=12, colors="white", linewidths=0.5, linestyles="solid", alpha=0.7)
    figure.colorbar(drawn, ax=right, label=unit, shrink=0.85)
    if trajectory is None:
        right.plot(0, 0, "o", color="black", markersize=6, label="the model")
        right.set_xlabel("first direction")
        right.set_ylabel("second direction")
    else:
        _draw_trajectory(right, trajectory.coordinates)
        across, up = (f"{100 * share:.0f} % of the way" for share in trajectory.explained)
        right.set_xlabel(f"1st principal direction ({across})")
        right.set_ylabel(f"2nd principal direction ({up})")
    right.set_title("The same from above\nwide rings: flat; narrow rings: sharp", loc="left")
    right.legend(loc="upper right", framealpha=0.85)


def _draw_surface(axes: Any, x: Tensor, y: Tensor, heights: Tensor, colours: Any) -> None:
    axes.plot_surface(
        x.numpy(), y.numpy(), heights.numpy(), cmap=colours, linewidth=0.2, edgecolor="#ffffff50", antialiased=True,
        rcount=60, ccount=60,
    )  # fmt: skip
    axes.view_init(elev=32, azim=-60)
    for pane in (axes.xaxis, axes.yaxis, axes.zaxis):
        pane.set_pane_color((1, 1, 1, 0))
    axes.tick_params(labelsize=7, colors=QUIET)
    axes.set_xlabel("first")
    axes.set_ylabel("second")
    axes.set_title("The loss on a plane through the parameters\nheights and colours as on the right", loc="left")


def _draw_trajectory(axes: "Axes", coordinates: Float[Tensor, "points 2"]) -> None:
    across, up = coordinates.T
    axes.plot(across, up, color="black", linewidth=1.2, marker="o", markersize=2.5, label="training's way, projected")
    axes.plot(across[:1], up[:1], "s", color="white", markeredgecolor="black", markersize=7, label="start")
    axes.plot(across[-1:], up[-1:], "*", color="white", markeredgecolor="black", markersize=12, label="the model")
