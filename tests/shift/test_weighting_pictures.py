"""The pictures show the data and results that they are given."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from shinso.shift.weighting import (
    WeightedRegression,
    choose_exponent,
    compare_weighting,
    draw_exponent_choice,
    draw_projection_path,
    draw_weighting,
    hindsight,
    projection_path,
    shimodaira_curve,
    shimodaira_example,
)

INPUTS = np.linspace(-3, 3, 401)


def blank() -> Figure:
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def labels(figure: Figure, axes: int) -> list[str]:
    return list(figure.axes[axes].get_legend_handles_labels()[1])


def test_both_fits_are_drawn_on_the_data_with_the_densities_below() -> None:
    example, figure = shimodaira_example(50), blank()
    compared = compare_weighting(WeightedRegression(), example.x, example.y, example.weights)
    test = hindsight(WeightedRegression(), example.test_x, example.test_y)
    draw_weighting(compared, figure, test=test)
    fits = ["fit, unweighted", "fit, weighted", "fit to the test data"]
    assert sorted(labels(figure, 0)) == sorted(["test", "training", "its weight", *fits])
    assert labels(figure, 1) == ["training", "training, weighted", "test"]
    models = (compared.unweighted, compared.weighted, test.fitted)
    for line, label, model in zip(figure.axes[0].lines, fits, models, strict=True):
        assert line.get_label() == label
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        np.testing.assert_allclose(np.polyfit(x, y, 1), [model.coef_[0], model.intercept_], atol=1e-9)
    figure.canvas.draw()


def test_without_test_inputs_the_weighted_training_inputs_stand_for_them() -> None:
    example, figure = shimodaira_example(50), blank()
    draw_weighting(compare_weighting(WeightedRegression(), example.x, example.y, example.weights), figure)
    assert labels(figure, 1) == ["training", "training, weighted"]
    figure.canvas.draw()


def test_two_features_are_one_too_many() -> None:
    x = np.random.default_rng(0).normal(size=(9, 2))
    compared = compare_weighting(WeightedRegression(), x, x[:, 0], np.ones(9))
    with pytest.raises(ValueError, match="one axis for x, so one feature; got 2"):
        draw_weighting(compared, blank())


def test_the_criterion_is_drawn_by_exponent_with_the_choice_marked() -> None:
    example, figure = shimodaira_example(50), blank()
    choice = choose_exponent(WeightedRegression(), example.x, example.y, example.weights, exponents=(1.0, 0.0, 0.5))
    draw_exponent_choice(choice, figure)
    _, curve, mark = figure.axes[0].lines
    np.testing.assert_array_equal(curve.get_xdata(), [0, 0.5, 1])
    np.testing.assert_array_equal(curve.get_ydata(), choice.criteria[[1, 2, 0]])
    assert (np.asarray(mark.get_xdata()) == choice.chosen).all()
    assert np.asarray(mark.get_ydata()) == choice.criteria[list(choice.exponents).index(choice.chosen)]
    bars = [patch for patch in figure.axes[1].patches if isinstance(patch, Rectangle)]
    np.testing.assert_array_equal([bar.get_height() for bar in bars], choice.shares[[1, 2, 0]])
    np.testing.assert_allclose(np.asarray(figure.axes[1].lines[0].get_xdata()), choice.shares @ choice.exponents)
    np.testing.assert_array_equal(figure.axes[2].lines[0].get_ydata(), choice.effective_sizes[[1, 2, 0]])
    figure.canvas.draw()


@pytest.mark.parametrize("right", [False, True])
def test_the_path_is_drawn_on_the_plane_of_lines(right: bool) -> None:
    curve = 1 + 2 * INPUTS if right else shimodaira_curve(INPUTS)
    train, test = np.exp(-2 * (INPUTS - 0.5) ** 2), np.exp(-5.5 * INPUTS**2)
    path, figure = projection_path(INPUTS, curve, 0.09, train, test), blank()
    draw_projection_path(path, figure)
    plane = figure.axes[1]
    assert labels(figure, 1)[:2] == ["projection of the training population", "projection of the test population"]
    drawn = next(line for line in plane.lines if line.get_label() == "weights to the power λ")
    np.testing.assert_array_equal(drawn.get_xdata(), path.intercepts)
    np.testing.assert_array_equal(drawn.get_ydata(), path.slopes)
    figure.canvas.draw()
