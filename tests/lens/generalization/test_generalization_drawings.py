"""Each picture shows the numbers it was given, with its axes named."""

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from shinso.lens.generalization import (
    BayesianEvidence,
    Estimate,
    GapCurve,
    RiskDecomposition,
    draw_evidence,
    draw_gap,
    draw_margins,
    draw_restriction,
    draw_risk_decomposition,
    half_spaces,
    restriction,
)

SQUARE = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]])


def test_margins_are_cumulative_distributions() -> None:
    figure = Figure()
    draw_margins({"a": torch.tensor([3.0, -1.0, 2.0, 1.0]), "b": torch.tensor([1.0])}, figure)
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [-1, 1, 2, 3])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.25, 0.5, 0.75, 1])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a (25.0 % wrong)", "b (0.0 % wrong)"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("margin (logits)", "fraction of examples")


def test_evidence_is_drawn_over_the_precision_with_its_terms() -> None:
    found = {p: BayesianEvidence(10, -4.0, p, 2.0 / p, 0.0, 2) for p in (1.0, 0.1)}
    figure = Figure()
    draw_evidence({"true": found, "random": found}, figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["true", "random"]
    total = figure.axes[0].lines[-1]
    np.testing.assert_allclose(total.get_xdata(), [0.1, 1.0])
    np.testing.assert_allclose(total.get_ydata(), [found[p].energy / 10 for p in (0.1, 1.0)])
    assert found[1.0].energy == pytest.approx(4 + 1 + 2 - 10 * math.log(2))


def test_parts_of_the_risk_are_bars_with_intervals() -> None:
    parts = [Estimate(mean, 0.1, mean - 0.2, mean + 0.2) for mean in (1.0, 2.0, -0.5, 2.5, 3.0, -1.0, 0.0)]
    figure = Figure()
    draw_risk_decomposition({"case": RiskDecomposition(*parts)}, figure)
    (axes,) = figure.axes
    assert [bar.get_height() for bar in axes.patches] == [1.0, 2.0, -0.5]
    legend = {text.get_text() for text in axes.get_legend().get_texts()}
    assert legend == {"approximation", "estimation", "optimization", "sum"}
    assert axes.get_ylabel() == "expected loss above the best possible"


def test_the_gap_lies_between_two_curves() -> None:
    figure = Figure()
    draw_gap(GapCurve(np.array([1, 2]), np.array([1.0, 0.5]), np.array([1.0, 0.9])), figure)
    (axes,) = figure.axes
    np.testing.assert_allclose([line.get_ydata() for line in axes.lines], [[1, 0.5], [1, 0.9]])


def test_every_labelling_has_a_panel_and_impossible_ones_say_so() -> None:
    figure = Figure()
    draw_restriction(restriction(half_spaces, SQUARE), figure, "lines")
    assert len(figure.axes) == 16
    assert sum("not possible" in [text.get_text() for text in axes.texts] for axes in figure.axes) == 2
    assert figure.get_suptitle() == "lines: 14 of 16 labellings of 4 points"
    alone = Figure()
    draw_restriction(restriction(half_spaces, SQUARE[:2]), alone)
    assert alone.get_suptitle() == "the family: 4 of 4 labellings of 2 points – shattered"
    with pytest.raises(ValueError, match="only points in the plane can be drawn; these have 1 coordinates"):
        draw_restriction(restriction(half_spaces, SQUARE[:2, :1]), alone)
