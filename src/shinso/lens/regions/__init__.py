"""Linear regions of piecewise-linear networks, exactly, and how long a way through the input becomes inside."""

from shinso.lens._entry import Cost, Entry
from shinso.lens.regions._draw_linear_regions import draw_linear_regions
from shinso.lens.regions._grid_regions import GridRegions, grid_regions
from shinso.lens.regions._line_regions import LineRegions, line_regions, trajectory_regions
from shinso.lens.regions._linear_regions import LinearRegions
from shinso.lens.regions._plane import Plane, plane_through
from shinso.lens.regions._plane_regions import PlaneRegions, linear_regions
from shinso.lens.regions._subdivision import TooManyRegions
from shinso.lens.regions._trajectory_length import TrajectoryLength, arc, path_length, trajectory_lengths

__all__ = [
    "GridRegions",
    "LineRegions",
    "LinearRegions",
    "Plane",
    "PlaneRegions",
    "TooManyRegions",
    "TrajectoryLength",
    "arc",
    "draw_linear_regions",
    "grid_regions",
    "line_regions",
    "linear_regions",
    "path_length",
    "plane_through",
    "trajectory_lengths",
    "trajectory_regions",
]

LENSES: dict[str, Entry] = {
    "linear_regions": Entry(
        LinearRegions,
        Cost.OFFLINE,
        "Montúfar et al. 2014; Hanin and Rolnick 2019; lecture 001, number of layers and expressive power",
    ),
    "trajectory_length": Entry(
        TrajectoryLength, Cost.FULL, "Raghu et al. 2017; lecture 001, number of layers and expressive power"
    ),
}
