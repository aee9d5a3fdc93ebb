"""The picture of the evidence over the strength of the prior."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from shinso.lens.generalization._bayesian_evidence import BayesianEvidence
from shinso.lens.generalization._colours import GOLD, GREEN, INDIGO, QUIET, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_evidence(evidence: Mapping[str, Mapping[float, BayesianEvidence]], figure: "Figure") -> None:
    """Panels side by side by name, such as true and random labels: E(ω₀)/N and its terms over λ (lecture 003 fig. 10).

    Below the line at 0 the model is better than giving each class the same probability.
    """
    panels = figure.subplots(1, len(evidence), sharey=True, squeeze=False)[0]
    for axes, (name, by_precision) in zip(panels, evidence.items(), strict=True):
        _draw_panel(axes, by_precision)
        axes.set_title(name, loc="left")
    panels[0].set_ylabel("nats for each example")
    panels[0].legend(frameon=False, fontsize=8)


def _draw_panel(axes: "Axes", by_precision: Mapping[float, BayesianEvidence]) -> None:
    precisions = sorted(by_precision)
    found = [by_precision[precision] for precision in precisions]
    axes.axhline(0, color=QUIET, lw=1)
    terms = {
        "misfit − N ln k": ([-f.log_likelihood / f.examples - math.log(f.classes or 1) for f in found], INDIGO),
        "prior's penalty ½λ‖ω‖²": ([f.penalty / f.examples for f in found], GREEN),
        "complexity ½ Σ ln(λᵢ/λ)": ([f.complexity / f.examples for f in found], GOLD),
    }
    for label, (values, colour) in terms.items():
        axes.plot(precisions, values, label=label, color=colour, lw=1.3)
    energies = [sum(values[place] for values, _ in terms.values()) for place in range(len(found))]
    axes.plot(precisions, energies, label="sum: E(ω₀)/N", color=VERMILION, lw=2.6)
    axes.set(xscale="log", xlabel="prior precision λ")
