"""Figure 4 of lecture 003: exponential against linear growth."""

from itertools import pairwise

import pytest
import sympy as sp

from shinso.graph import elementary as el
from shinso.graph.four_ways._swell import ExpressionSwell, expression_swell


@pytest.fixture(scope="module")
def swell() -> ExpressionSwell:
    return expression_swell(7)


def test_closed_form_grows_exponentially(swell: ExpressionSwell) -> None:
    assert all(after > 2 * before for before, after in pairwise(swell.symbolic[1:]))
    assert swell.growth > 2


def test_trace_grows_linearly(swell: ExpressionSwell) -> None:
    # Three operations and as many adjoints for each iteration; l(1) = x has its own adjoint.
    assert swell.automatic == tuple(1 + 6 * (n - 1) for n in swell.iterations)
    assert swell.increment == 6


def test_closed_form_is_counted_as_sympy_does(swell: ExpressionSwell) -> None:
    # l(3) of Baydin et al. (2018), table 1, before simplification.
    x = sp.Symbol("x", real=True)
    inner = 4 * x * (1 - x)
    assert swell.symbolic[2] == sp.count_ops(sp.diff(4 * inner * (1 - inner), x))


def test_another_map() -> None:
    swell = expression_swell(4, lambda x: el.sin(x) * x)
    assert swell.automatic == (1, 5, 9, 13)
    assert swell.symbolic[-1] > 3 * swell.symbolic[-2]


def test_table_and_figure(swell: ExpressionSwell) -> None:
    assert str(swell).splitlines()[0].split() == ["n", "symbolic", "automatic"]
    assert "the trace by 6 values" in str(swell)
    figure = swell.figure()
    assert tuple(figure.data[1].y) == swell.automatic
    # The derivative of x has no operation, which a logarithmic axis cannot show.
    assert tuple(figure.data[0].y) == swell.symbolic[1:]
    assert figure.layout.yaxis.type == "log"


def test_too_few_iterations_are_refused() -> None:
    with pytest.raises(ValueError, match="growth shows from three iterations; got 2"):
        expression_swell(2)
