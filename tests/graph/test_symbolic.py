"""Expressions of functions and graphs, against SymPy by hand and autograd."""

from typing import Any

import pytest
import sympy as sp
import torch

from shinso.graph import elementary as el
from shinso.graph import symbolic, trace

X, W = sp.Symbol("x", real=True), sp.Symbol("w", real=True)


def test_expression_of_a_function() -> None:
    def function(x: Any, w: Any) -> Any:
        return el.exp(w * x) + x**2

    assert symbolic.expression(function) == sp.exp(W * X) + X**2
    assert symbolic.derivative(function, "w") == X * sp.exp(W * X)


def test_expression_of_a_graph() -> None:
    def function(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(torch.tanh(w * x) + x**2.0)

    graph = trace(function, torch.tensor(0.3), torch.tensor(0.7))
    assert symbolic.expression(graph) == 1 / (1 + sp.exp(-sp.tanh(W * X) - X**2))
    leaf = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    w = torch.tensor(0.7, dtype=torch.float64)
    (expected,) = torch.autograd.grad(function(leaf, w), leaf)
    found = symbolic.derivative(graph, "x").subs({X: 0.3, W: 0.7})
    assert float(found) == pytest.approx(expected.item(), rel=1e-14)


def test_parameters_of_a_module_are_symbols_and_its_buffers_numbers() -> None:
    class Scaled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(0.5))
            self.register_buffer("shift", torch.tensor(3.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.w * x + self.shift

    graph = trace(Scaled(), torch.tensor(2.0))
    assert symbolic.expression(graph) == W * X + 3
    assert symbolic.derivative(graph, "w") == X


def test_size_counts_operations() -> None:
    assert symbolic.size(X) == 0
    assert symbolic.size(X**2 + sp.sin(X)) == 3


def test_a_branch_has_no_closed_form() -> None:
    def bent(x: Any) -> Any:
        return x if x > 0 else -x

    with pytest.raises(ValueError, match=r"bent has no closed form .* use the functions of shinso.graph.elementary"):
        symbolic.expression(bent)


def test_several_results_are_refused() -> None:
    with pytest.raises(ValueError, match="must return one number; called with symbols it returned \\(x, x\\)"):
        symbolic.expression(lambda x: (x, x))


def test_graphs_without_a_formula_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(x\) has 2 entries; an expression is of numbers"):
        symbolic.expression(trace(lambda x: x.exp(), torch.ones(2)))
    with pytest.raises(ValueError, match="is digamma, which has no formula here"):
        symbolic.expression(trace(lambda x: torch.digamma(x), torch.tensor(1.0)))
    with pytest.raises(ValueError, match="returns 2 tensors; an expression needs one"):
        symbolic.expression(trace(lambda x: (x + 1, x + 2), torch.tensor(1.0)))


def test_the_argument_must_be_one_of_the_functions() -> None:
    with pytest.raises(ValueError, match="the derivative is in one of x, w; got None"):
        symbolic.derivative(lambda x, w: x * w)
    with pytest.raises(ValueError, match="the derivative is in one of x; got 'y'"):
        symbolic.derivative(lambda x: x, "y")
