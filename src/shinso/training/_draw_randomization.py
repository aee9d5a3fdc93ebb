"""The picture of a randomization test."""

from typing import TYPE_CHECKING

import numpy as np

from shinso.training._randomization import RandomizationTest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#165e83", "#4f8fb5", "#c4472b", "#2f6b3f", "#b8862b", "#6b4c8a", "#8a6d5c", "#20252c")
_QUIET = "#5b626c"


def draw_randomization(test: RandomizationTest, figure: "Figure") -> None:
    """Training loss over the steps by corruption, and beside it what was fitted and what carried over to the test part.

    As lecture 003 fig. 8 a and c; thin lines are single seeds, dots single test accuracies.
    """
    curves, bars = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_curves(curves, test)
    _draw_accuracies(bars, test)


def _draw_curves(axes: "Axes", test: RandomizationTest) -> None:
    for place, (name, trainings) in enumerate(test.by_corruption().items()):
        colour = _COLOURS[place % len(_COLOURS)]
        for training in trainings:
            axes.plot(training.steps, training.train_loss, color=colour, lw=0.7, alpha=0.5)
        whole = [training for training in trainings if len(training.steps) == max(len(t.steps) for t in trainings)]
        mean = np.mean([training.train_loss for training in whole], axis=0)
        axes.plot(whole[0].steps, mean, color=colour, lw=1.9, label=name)
    axes.set(xlabel="training step", ylabel="mean training loss (nats)")
    axes.set_ylim(bottom=0)
    axes.set_title("How fast it is fitted", loc="left")
    axes.legend(frameon=False, fontsize=8)


def _draw_accuracies(axes: "Axes", test: RandomizationTest) -> None:
    found = test.by_corruption()
    for place, trainings in enumerate(found.values()):
        colour = _COLOURS[place % len(_COLOURS)]
        fitted, tested = (
            [100 * getattr(training, which) for training in trainings] for which in ("final_accuracy", "test_accuracy")
        )
        axes.barh(place, np.mean(fitted), 0.62, color=colour, alpha=0.25)
        axes.barh(place, np.mean(tested), 0.62, color=colour)
        axes.plot(tested, [place] * len(tested), "o", ms=3, color="white", mec=_QUIET, mew=0.7)
    axes.set_yticks(range(len(found)), list(found), fontsize=8)
    axes.set(xlim=(0, 100), xlabel="accuracy (%)\npale: training labels, full: test part")
    axes.invert_yaxis()
    axes.set_title("What of it carries over", loc="left")
