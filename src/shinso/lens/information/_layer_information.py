"""What one layer knows, by every estimator, and where they disagree."""

import math
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens.information._binning import bin_edges, binned_information, entropy
from shinso.lens.information._information import Information, InformationBounds
from shinso.lens.information._kernel_density import kernel_density_information
from shinso.lens.information._nearest_neighbours import nearest_neighbour_target_information


@dataclass(frozen=True)
class LayerInformation:
    """I(X;T) and I(T;Y) of a layer in bits, by binning, by kernel density and (I(T;Y) only) by nearest neighbours."""

    binned: Information
    kernel: InformationBounds
    neighbours: float
    """I(T;Y) by nearest neighbours; for I(X;T) there is none, as X determines T."""
    limits: Information
    """The most there can be: log₂ of the number of examples, and the entropy of the targets."""

    @property
    def disagreement(self) -> Information:
        """The widest gap in bits between two estimators; for I(X;T) nothing while binning lies between the bounds."""
        lower, upper, estimate = self.kernel
        about_input = gap([(self.binned.input, self.binned.input), (lower.input, upper.input)])
        estimates = [self.binned.target, estimate.target, self.neighbours]
        return Information(about_input, gap([(value, value) for value in estimates]))


def layer_information(
    activations: Float[Tensor, "example *units"],
    classes: Int[Tensor, " target"],
    bins: int = 30,
    bounds: tuple[float, float] | None = None,
    neighbours: int = 3,
) -> LayerInformation:
    """What the layer knows by three estimators that look at one resolution.

    ``bins`` of equal width lie between ``bounds``, or else the least and the greatest of the outputs. The noise of the
    kernel density has the standard deviation that rounding to a bin has, its width / √12: so where the estimators
    disagree, it is not because one of them looks closer. Values are NaN where an output is not finite; all outputs
    equal mean no information.

    Raises ValueError for fewer examples than ``neighbours + 1``, and targets of another number.
    """
    if len(activations) != len(classes):
        raise ValueError(f"each example has one target; got {len(activations)} examples and {len(classes)} targets")
    limits = Information(math.log2(max(1, len(classes))), entropy(classes))
    if not activations.isfinite().all():
        unknown = Information(math.nan, math.nan)
        return LayerInformation(unknown, InformationBounds(unknown, unknown, unknown), math.nan, limits)
    low, high = bounds or (activations.min().item(), activations.max().item())
    # Where all outputs are equal any noise will do.
    noise = (high - low) / bins / math.sqrt(12) or 1.0
    edges = bin_edges(activations, bins, bounds)
    return LayerInformation(
        binned_information(activations, classes, edges),
        kernel_density_information(activations, classes, noise),
        nearest_neighbour_target_information(activations, classes, neighbours),
        limits,
    )


def gap(intervals: list[tuple[float, float]]) -> float:
    """The widest gap between two of the intervals; 0 where all overlap, NaN where one is unknown."""
    gaps = [other[0] - one[1] for one in intervals for other in intervals]
    return math.nan if any(map(math.isnan, gaps)) else max(0.0, *gaps)
