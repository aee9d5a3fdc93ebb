"""The picture of robustness: accuracy by how much each example may be perturbed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shinso.lens.adversarial._robust_accuracy import RobustAccuracy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_robust_accuracy(curves: Mapping[str, Mapping[float, RobustAccuracy]], figure: "Figure") -> None:
    """Draw the robust accuracy by radius with its 95 % interval, one curve for each named model."""
    axes = figure.subplots()
    for name, curve in curves.items():
        radii = sorted(curve)
        (line,) = axes.plot(radii, [curve[radius].robust_accuracy for radius in radii], marker="o", ms=4, label=name)
        low, high = zip(*(curve[radius].interval() for radius in radii), strict=True)
        axes.fill_between(radii, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set(
        xlabel="radius of the perturbation (raw units)", ylabel="accuracy under attack", ylim=(-0.02, 1.02),
        title="How much perturbation the answers survive (bands: 95 % intervals)",
    )  # fmt: skip
    axes.legend()
