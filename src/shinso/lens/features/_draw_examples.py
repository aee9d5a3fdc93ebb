"""The pictures of examples that belong together: neighbours of a query, and what units answer to."""

from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from shinso.lens.features._most_activating import MostActivating
from shinso.lens.features._nearest import Nearest
from shinso.lens.features._sheet import picture_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_UNITS = 8


def draw_nearest(
    nearest: Nearest,
    queries: Float[Tensor, "queries channels height width"],
    images: Float[Tensor, "examples channels height width"],
    figure: "Figure",
) -> None:
    """Draw each query in a row with its nearest examples, nearest first, and their distances.

    ``images`` are all examples, in the order of the batches among which the nearest were found.
    """
    axes = figure.subplots(len(queries), 1 + nearest.examples.shape[1], squeeze=False)
    for row, query in enumerate(queries):
        _show(axes[row, 0], query, "query" if row == 0 else "")
        for panel, example, distance in zip(axes[row, 1:], nearest.examples[row], nearest.distances[row], strict=True):
            _show(panel, images[int(example)], f"{float(distance):.3g}")
    figure.suptitle("The nearest examples as the layer sees them (numbers: distance)", x=0.01, ha="left")


def draw_most_activating(
    found: MostActivating,
    images: Float[Tensor, "examples channels height width"],
    figure: "Figure",
    layer: str,
    units: Any = None,
) -> None:
    """Draw the examples to which each unit answers most in a row, with their activations.

    ``images`` are all examples, in the order of the batches; ``units`` are the numbers of the units to be drawn, the
    first few if None.
    """
    chosen = list(range(min(_MOST_UNITS, len(found.examples))) if units is None else units)
    axes = figure.subplots(len(chosen), found.examples.shape[1], squeeze=False)
    for row, unit in enumerate(chosen):
        for panel, example, activation in zip(axes[row], found.examples[unit], found.activations[unit], strict=True):
            _show(panel, images[int(example)], f"{float(activation):.3g}")
        axes[row, 0].set_ylabel(f"unit {unit}", rotation=0, ha="right", va="center")
    figure.suptitle(f"What the units of {layer} answer to most (numbers: activation)", x=0.01, ha="left")


def _show(axes: "Axes", image: Tensor, title: str) -> None:
    axes.imshow(*picture_of(image))
    axes.set_title(title, fontsize="small")
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
