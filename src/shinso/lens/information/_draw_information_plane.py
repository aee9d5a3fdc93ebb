"""The information plane as a picture: the path of each layer, coloured by step."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from shinso.lens.information._disagreement import disagreeing, information_warnings, saturated
from shinso.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

_MARKERS = "osD^vP*X<>h"


def draw_information_plane(record: Record, figure: "Figure") -> None:
    """Draw the layers of a record in the plane of I(X;T) and I(T;Y), by binning and by kernel density.

    Hollow marks are readings that are not to be believed: the estimators disagree or the batch is exhausted. Dashed
    lines are the most that could be read from the batch. Raises KeyError for a record in which no information plane
    was read.
    """
    doubtful = disagreeing(record, "input") | disagreeing(record, "target") | saturated(record)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    _draw_paths(left, record, _binned(record), doubtful)
    dots = _draw_paths(right, record, _by_kernel_density(record), doubtful)
    left.set_title("By binning")
    right.set_title("By kernel density (upper bound)")
    left.set_ylabel("I(T;Y): bits about the targets")
    for axes in (left, right):
        axes.set_xlabel("I(X;T): bits about the inputs")
    figure.colorbar(dots, ax=[left, right], label="step", aspect=30, pad=0.02)
    count = len(record.readings("information/input_binned").labels)
    figure.legend(*left.get_legend_handles_labels(), title="layer", loc="outside lower center", ncols=min(count, 5))
    if information_warnings(record):
        figure.suptitle("Hollow: estimators disagree, or the batch is too small to tell", fontsize="small")


class _Paths(NamedTuple):
    across: Float[np.ndarray, "step layer"]
    up: Float[np.ndarray, "step layer"]


def _binned(record: Record) -> _Paths:
    return _Paths(*(_values(record, f"{quantity}_binned") for quantity in ("input", "target")))


def _by_kernel_density(record: Record) -> _Paths:
    return _Paths(_values(record, "input_upper"), _values(record, "target_kernel"))


def _values(record: Record, name: str) -> Float[np.ndarray, "step layer"]:
    return np.asarray(record.readings(f"information/{name}").values, dtype=np.float64)


def _draw_paths(axes: "Axes", record: Record, paths: _Paths, doubtful: np.ndarray) -> "PathCollection":
    from matplotlib.colors import LogNorm

    readings = record.readings("information/input_binned")
    axes.axvline(record.readings("information/input_limit").values[-1], color="0.6", ls="--", lw=1, zorder=0)
    axes.axhline(record.readings("information/target_limit").values[-1], color="0.6", ls="--", lw=1, zorder=0)
    first = max(1, int(readings.steps.min()))
    norm = LogNorm(first, max(first + 1, int(readings.steps.max())))
    for column, layer in enumerate(readings.labels):
        marker = _MARKERS[column % len(_MARKERS)]
        across, up = paths.across[:, column], paths.up[:, column]
        axes.plot(across, up, color="0.75", lw=0.8, zorder=1)
        axes.scatter([], [], marker=marker, color="0.35", label=layer)
        dots = axes.scatter(
            across, up, c=readings.steps, marker=marker, s=30, linewidths=1.2, cmap="viridis", norm=norm
        )
        colours = dots.get_cmap()(dots.norm(readings.steps))
        faces = np.where(doubtful[:, column, None], np.array([1.0, 1.0, 1.0, 1.0]), colours)
        # Colours by hand from here on: faces are hollow where the reading is in doubt.
        again = axes.scatter(across, up, marker=marker, s=30, linewidths=1.2, zorder=3)
        again.set(facecolor=faces, edgecolor=colours)
    return dots
