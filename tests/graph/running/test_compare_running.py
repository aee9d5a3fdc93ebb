"""The comparison of running eagerly and from a graph: equal results, and nothing changed by measuring."""

import torch
from torch import Tensor, nn

from shinso.graph._graph import Graph
from shinso.graph.running._compare_running import Running, compare_running
from shinso.graph.running._running import compile_graph


def test_results_are_equal_though_random_and_the_network_stays_as_it_is() -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    comparison = compare_running(network, torch.randn(6, 4, generator=torch.Generator()), rounds=2)
    eager, compiled = comparison.ways
    assert (eager.name, compiled.name) == ("eager", "compile_graph")
    assert eager.set_up_seconds == 0 < compiled.set_up_seconds
    assert compiled.seconds > 0
    assert compiled.difference == 0
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_another_compiler_is_measured_and_its_errors_are_seen() -> None:
    def wrong_by_two(graph: Graph) -> object:
        return lambda *inputs: compile_graph(graph)(*inputs) + 2

    comparison = compare_running(lambda x: x.sin(), torch.ones(3), compilers=[compile_graph, wrong_by_two], rounds=1)
    assert [way.name for way in comparison.ways] == ["eager", "compile_graph", "wrong_by_two"]
    assert [way.difference for way in comparison.ways] == [0, 0, 2]
    assert "2.0e+00" in str(comparison).splitlines()[-1]


def test_nested_inputs_and_results() -> None:
    def function(pair: tuple[Tensor, Tensor], scale: float) -> dict[str, Tensor]:
        return {"sum": (pair[0] + pair[1]) * scale}

    comparison = compare_running(function, (torch.ones(2), torch.ones(2)), 0.5, rounds=1)
    assert comparison.ways[1].difference == 0


def test_when_the_set_up_has_paid_for_itself() -> None:
    eager = Running("eager", 0.0, 0.003, 0.0)
    assert Running("faster", 0.1, 0.002, 0.0).runs_to_repay(eager) == 0.1 / 0.001
    assert Running("slower", 0.1, 0.004, 0.0).runs_to_repay(eager) == float("inf")
