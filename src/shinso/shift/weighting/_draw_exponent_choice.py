"""The picture of the choice of an exponent."""

from typing import TYPE_CHECKING

import numpy as np

from shinso.shift._colours import INDIGO, QUIET, VERMILION
from shinso.shift.weighting._choose_exponent import ExponentChoice

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_exponent_choice(choice: ExponentChoice, figure: "Figure") -> None:
    """Draw by exponent the criterion, how often it would be the least, and the effective size; the chosen is marked.

    The band is two standard errors of the difference to the chosen exponent: where it reaches the dashed line, the
    data do not tell the two apart.
    """
    upper, middle, lower = figure.subplots(3, 1, sharex=True, height_ratios=(2.4, 0.8, 0.8))
    order = np.argsort(choice.exponents)
    exponents, criteria, errors = choice.exponents[order], choice.criteria[order], 2 * choice.standard_errors[order]
    chosen = float(criteria[np.abs(exponents - choice.chosen).argmin()])
    upper.axhline(chosen, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
    upper.fill_between(
        exponents, criteria - errors, criteria + errors, color=INDIGO, alpha=0.15, linewidth=0,
        label="± 2 standard errors of the difference to the chosen",
    )  # fmt: skip
    upper.plot(exponents, criteria, "o-", color=INDIGO, markersize=4, label="criterion")
    upper.plot([choice.chosen], [chosen], "D", color=VERMILION, markersize=8, label=f"chosen: λ = {choice.chosen:g}")
    upper.set_ylabel("estimated loss on the test inputs")
    upper.set_title("How far to weight", loc="left")
    upper.legend(frameon=False, fontsize="small")
    apart = float(np.diff(np.unique(exponents)).min(initial=1))
    middle.bar(exponents, choice.shares[order], 0.7 * apart, color=INDIGO, alpha=0.45)
    middle.axvline(float(choice.shares @ choice.exponents), color=VERMILION, linewidth=1.4, label="mean")
    middle.set_ylabel("share as\nthe least")
    middle.legend(frameon=False, fontsize="small")
    lower.plot(exponents, choice.effective_sizes[order], "o-", color=QUIET, markersize=4)
    lower.set_ylim(0, None)
    lower.set_ylabel("effective\nexamples")
    lower.set_xlabel("exponent λ of the weights: 0 none, 1 full")
    figure.align_ylabels()
