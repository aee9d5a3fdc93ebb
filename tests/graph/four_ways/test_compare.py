"""Four ways to differentiate one function, against its derivative in closed form."""

import math
from typing import Any

import pytest

from shinso.graph import elementary as el
from shinso.graph.four_ways._compare import Comparison, compare


def lecture_example(x: Any) -> Any:
    return el.exp(x) + 3 * x**2 + 4 * x


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(lecture_example, 1.0, lambda x: el.exp(x) + 6 * x + 4)


def test_all_four_ways_agree(comparison: Comparison) -> None:
    expected = math.e + 10
    assert comparison.exact == pytest.approx(expected, rel=1e-15)
    assert [row.way for row in comparison.rows] == ["manual", "symbolic", *["numerical"] * 2, *["automatic"] * 2]
    accuracies = {"manual": 1e-15, "symbolic": 1e-15, "forward": 1e-6, "central": 1e-9, "dual": 1e-15, "graph": 1e-15}
    for method, accuracy in accuracies.items():
        assert comparison[method].derivative == pytest.approx(expected, rel=accuracy)


def test_errors_are_distances_to_the_exact_derivative(comparison: Comparison) -> None:
    forward, central = comparison["forward"], comparison["central"]
    assert forward.derivative is not None
    assert forward.error == abs(forward.derivative - comparison.exact)
    assert forward.error > 10 * central.error > 0  # type: ignore[operator]


def test_costs_are_counted(comparison: Comparison) -> None:
    assert [row.evaluations for row in comparison.rows] == [0, 0, 2, 2, 1, 1]
    # eˣ, x², 3·, 4·, and two sums.
    assert comparison["forward"].operations == 2 * 6 + 3
    assert comparison["dual"].operations == 12
    assert comparison["graph"].operations == 6 + 7
    assert all(row.seconds is not None and row.seconds > 0 for row in comparison.rows)
    assert comparison["symbolic"].preparation > 0


def test_the_sign_of_a_wrong_manual_derivative_shows() -> None:
    found = compare(lambda x: x**2, 3.0, lambda x: x)
    assert found["manual"].error == 3.0
    assert found["symbolic"].error == 0.0


def test_a_branch_leaves_no_closed_form_and_the_rest_goes_on() -> None:
    def bent(x: Any) -> Any:
        return el.sin(x) if x > 0 else -x

    found = compare(bent, 0.5)
    assert found.exact == pytest.approx(math.cos(0.5), rel=1e-15)
    assert found["symbolic"].derivative is None
    assert "bent has no closed form" in found["symbolic"].note
    assert found["dual"].error == pytest.approx(0.0, abs=1e-15)
    assert found["graph"].derivative == pytest.approx(math.cos(0.5), rel=1e-15)
    assert "torch.autograd" in found["graph"].note


def test_without_a_manual_derivative_the_table_says_so() -> None:
    text = str(compare(lambda x: x * x, 2.0))
    assert "manual, formula: not given; manual= is the derivative worked out by hand" in text


def test_table(comparison: Comparison) -> None:
    lines = str(comparison).splitlines()
    assert lines[0].startswith("derivative of lecture_example at 1: 12.71828182845904")
    assert lines[2].split()[:4] == ["way", "by", "derivative", "error"]
    assert len(lines) == 4 + 6


def test_unknown_rows_and_infinite_values_are_refused(comparison: Comparison) -> None:
    with pytest.raises(KeyError, match="no row is called 'guessed'; there are formula, SymPy's formula, forward"):
        comparison["guessed"]
    with pytest.raises(ValueError, match=r"must return a finite number; at 1\.0 it returned inf"):
        compare(lambda x: x * math.inf, 1.0)
