"""Figure 2 of lecture 003, against the orders that Taylor's theorem gives."""

import math

import pytest

from shinso.graph.four_ways._error_curve import ErrorCurve, error_against_step


def truncated_logistic_map(x: float) -> float:
    return 64 * x * (1 - x) * (1 - 2 * x) ** 2 * (1 - 8 * x + 8 * x**2) ** 2


@pytest.fixture(scope="module")
def curve() -> ErrorCurve:
    # By hand: f = 64 a(x) b(x)² c(x)² with a = x(1−x), b = 1−2x, c = 1−8x+8x², at x = 1/5.
    a, b, c = 0.16, 0.6, -0.28
    da, db, dc = 0.6, -2.0, -4.8
    derivative = 64 * (da * b**2 * c**2 + a * 2 * b * db * c**2 + a * b**2 * 2 * c * dc)
    return error_against_step(truncated_logistic_map, 0.2, derivative)


def test_truncation_is_of_first_and_second_order(curve: ErrorCurve) -> None:
    assert curve.forward.order == pytest.approx(1.0, abs=0.05)
    assert curve.central.order == pytest.approx(2.0, abs=0.05)


def test_round_off_grows_as_the_step_shrinks(curve: ErrorCurve) -> None:
    assert curve.forward.round_off_order == pytest.approx(-1.0, abs=0.15)
    assert curve.central.round_off_order == pytest.approx(-1.0, abs=0.15)


def test_least_errors_are_where_the_two_meet(curve: ErrorCurve) -> None:
    assert 1e-10 < curve.forward.best_step < 1e-7
    assert 1e-8 < curve.central.best_step < 1e-5
    assert min(curve.central.errors) < 0.05 * min(curve.forward.errors)


def test_errors_of_chosen_steps() -> None:
    found = error_against_step(lambda x: x**3, 1.0, 3.0, [0.5, 0.25])
    assert found.forward.steps == (0.25, 0.5)
    # (1+h)³ − 1 = 3h + 3h² + h³.
    assert found.forward.errors == (3 * 0.25 + 0.25**2, 3 * 0.5 + 0.5**2)
    assert found.central.errors == (0.25**2, 0.5**2)


def test_table_and_summary(curve: ErrorCurve) -> None:
    text = str(curve)
    assert text.splitlines()[0].split() == ["step", "forward", "central"]
    assert "forward: least error" in text
    assert "slope 2.00 by truncation" in text


def test_figure_has_both_curves_and_both_guides_on_logarithmic_axes(curve: ErrorCurve) -> None:
    figure = curve.figure()
    assert [trace.name for trace in figure.data] == ["forward difference", "central difference", "slope 1", "slope 2"]
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", "log")
    assert figure.layout.xaxis.title.text == "step h"
    for order, guide in enumerate(figure.data[2:], start=1):
        rise = math.log(guide.y[1] / guide.y[0]) / math.log(guide.x[1] / guide.x[0])
        assert rise == pytest.approx(order)
    assert all(y > 0 for trace in figure.data for y in trace.y)


def test_too_few_steps_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at least two positive steps that move it; got \[1e-30, 0.1\]"):
        error_against_step(math.sin, 1.0, math.cos(1.0), [1e-30, 0.1])
