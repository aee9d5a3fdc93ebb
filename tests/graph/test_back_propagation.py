"""Algorithms 6.5 and 6.6: the gradients, what is pruned, and how often each derivative is evaluated."""

import pytest
import torch
from torch import Tensor, nn

from graph.graph_cases import CASES
from shinso.graph import trace
from shinso.graph.back_propagation import back_propagation, back_propagation_without_table


def diamonds(count: int, value: float = 0.3) -> tuple[object, Tensor]:
    def chain(x: Tensor) -> Tensor:
        for _ in range(count):
            x = torch.sin(x) * torch.cos(x)
        return x

    return chain, torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("count", [1, 2, 5, 10])
def test_evaluations_on_a_chain_of_diamonds(count: int) -> None:
    function, x = diamonds(count)
    graph = trace(function, x)  # type: ignore[arg-type]
    with_table, without = back_propagation(graph), back_propagation_without_table(graph)
    # Each diamond has four edges. Without the table, those of the k-th from the end are walked once for each of the
    # 2^(k-1) ways to get there.
    assert with_table.total_evaluations == 4 * count
    assert without.total_evaluations == sum(4 * 2 ** (k - 1) for k in range(1, count + 1))
    assert set(with_table.evaluations.values()) == {1}
    x.requires_grad_()
    (expected,) = torch.autograd.grad(function(x), x)  # type: ignore[operator]
    assert with_table["x"] == pytest.approx(expected.item(), rel=1e-14)
    assert without["x"] == pytest.approx(expected.item(), rel=1e-12)


def test_a_long_chain_does_not_recurse_deeply_nor_start_without_a_table() -> None:
    function, x = diamonds(2000, 1e-3)
    graph = trace(function, x)  # type: ignore[arg-type]
    assert back_propagation(graph).total_evaluations == 8000
    with pytest.raises(
        ValueError, match=r"chain has more than 1,000,000 paths from its output; without a table each is walked"
    ):
        back_propagation_without_table(graph)


@pytest.mark.parametrize("name", ["mlp", "resnet-batch", "lstm"])
def test_gradients_of_networks_equal_autograd(name: str) -> None:
    model, batch = CASES[name].make()
    graph = trace(model, *batch)
    torch.manual_seed(1)
    table = back_propagation(graph)
    torch.manual_seed(1)
    model(*batch).backward()
    for parameter, value in model.named_parameters():
        torch.testing.assert_close(table[parameter], value.grad, rtol=1e-10, atol=1e-14)
    assert set(table.evaluations.values()) == {1}


def test_the_graph_is_pruned_to_what_matters() -> None:
    def function(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
        apart = b.exp() + c
        return a.sin() * apart.cos()

    graph = trace(function, *(torch.tensor(number) for number in (1.0, 2.0, 3.0)))
    table = back_propagation(graph, ["a"])
    assert {node.name for node in table.relevant} == {"a", "sin", "mul"}
    assert table.total_evaluations == 2
    assert {node.name for node in back_propagation(graph, ["b"]).relevant} == {"b", "exp", "add", "cos", "mul"}
    with pytest.raises(KeyError, match=r"'b' is not among the targets a"):
        table["b"]


def test_a_target_that_does_not_matter_has_gradient_zero() -> None:
    graph = trace(lambda a, b: a * 2, torch.tensor(1.0), torch.ones(2))
    assert torch.equal(back_propagation(graph, ["b"])["b"], torch.zeros(2))


def test_the_default_targets_are_the_parameters() -> None:
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    table = back_propagation(trace(lambda x: x.square().sum(), torch.ones(2)))
    assert table["x"].tolist() == [2, 2]
    table = back_propagation(trace(model, torch.ones(1, 2)))
    assert [node.name for node in table.gradients] == ["0.weight", "0.bias"]
    assert "0.bias" in str(table)
