"""Jacobians by our own walks against torch.func, and the number of sweeps of the lecture."""

import pytest
import torch
from torch import nn

import shinso.graph.derivatives._graph_jacobian as graph_jacobian
from shinso.graph import trace
from shinso.graph._forward_mode import forward_mode
from shinso.graph._reverse_mode import reverse_mode
from shinso.graph.derivatives._graph_jacobian import jacobian_by_columns, jacobian_by_rows


@pytest.mark.parametrize("of", [jacobian_by_columns, jacobian_by_rows])
def test_both_agree_with_torch_for_inputs_and_parameters(of) -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x = torch.randn(2, 3, dtype=torch.float64)
    graph = trace(network, x)
    torch.testing.assert_close(of(graph, "input"), torch.func.jacrev(network)(x), rtol=1e-12, atol=1e-14)

    def of_weight(weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(network, {"0.weight": weight}, (x,))

    expected = torch.func.jacrev(of_weight)(network[0].weight.detach())
    torch.testing.assert_close(of(graph, "0.weight"), expected, rtol=1e-12, atol=1e-14)


def test_one_takes_a_sweep_for_each_input_the_other_for_each_output(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps = {"forward_mode": 0, "reverse_mode": 0}
    for name, sweep in (("forward_mode", forward_mode), ("reverse_mode", reverse_mode)):

        def counted(*args, name=name, sweep=sweep):
            sweeps[name] += 1
            return sweep(*args)

        monkeypatch.setattr(graph_jacobian, name, counted)
    weight = torch.randn(2, 5)
    graph = trace(lambda x: weight @ x, torch.randn(5), names=["x"])
    torch.testing.assert_close(jacobian_by_columns(graph, "x"), weight)
    torch.testing.assert_close(jacobian_by_rows(graph, "x"), weight)
    assert sweeps == {"forward_mode": 5, "reverse_mode": 2}


@pytest.mark.parametrize("of", [jacobian_by_columns, jacobian_by_rows])
def test_a_computed_value_is_refused(of) -> None:
    with pytest.raises(
        ValueError, match=r"v₁ \(sin\) is computed; a Jacobian is with respect to an input or parameter"
    ):
        of(trace(lambda x: x.sin().cos(), torch.ones(2)), "v1")
