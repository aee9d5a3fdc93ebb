"""The rebuilding of a graph around replaced nodes, and how it is shown."""

import torch
from torch import Tensor, nn

from shinso.graph import trace
from shinso.graph.rewriting._rewriting import Match, new_operation, new_parameter, rewrite
from shinso.graph.rewriting._softmax_cross_entropy import fuse_softmax_cross_entropy

aten = torch.ops.aten


def test_without_a_match_the_graph_is_the_same() -> None:
    graph = trace(lambda x: x.sin(), torch.ones(2))
    rewriting = fuse_softmax_cross_entropy(graph)
    assert rewriting.after is graph
    assert rewriting.places == ()
    assert str(rewriting) == "no pattern found in <lambda>"


def test_a_node_is_replaced_wherever_it_is_used_and_what_it_needed_goes() -> None:
    graph = trace(lambda x, unused: (x.sin().cos() + 1, [x.sin().cos() * 2, 7]), torch.ones(2), torch.ones(1))
    first = graph["v2"]
    new = new_operation(first, aten.exp.default, graph["x"])
    rewriting = rewrite(graph, [Match("cosine of sine", first, new)])
    after = rewriting.after
    assert [node.name for node in after.operations] == ["exp", "add", "sin", "cos", "mul"]
    assert [node.number for node in after.nodes] == list(range(-1, 6))
    assert [node.name for node in after.inputs] == ["x", "unused"]
    assert after.output[1][1] == 7
    assert torch.equal(after.evaluate()[after.outputs[0]], torch.ones(2).exp() + 1)
    assert [node.name for node in graph.operations] == ["sin", "cos", "add", "sin", "cos", "mul"]
    (place,) = rewriting.places
    assert [node.symbol for node in place.before] == ["v₁", "v₂"]
    assert place.after == (after["v1"],)


def test_the_output_itself_may_be_replaced_by_a_new_parameters_value() -> None:
    graph = trace(nn.Linear(2, 3), torch.ones(1, 2))
    weight = new_parameter("other", torch.full((3, 2), 2.0))
    (linear,) = graph.operations
    new = new_operation(linear, aten.linear.default, graph["input"], weight)
    after = rewrite(graph, [Match("linear", linear, new, {weight: torch.full((3, 2), 2.0)})]).after
    assert [node.name for node in after.nodes] == ["input", "other", "linear"]
    assert after.reverse_mode(torch.ones(1, 3))["other"].tolist() == [[1, 1]] * 3


def test_it_is_shown_before_and_after() -> None:
    def loss(z: Tensor, p: Tensor) -> Tensor:
        return -(p * torch.log(torch.softmax(z, 1))).sum(1).mean()

    assert str(fuse_softmax_cross_entropy(trace(loss, torch.ones(4, 5), torch.ones(4, 5)))) == (
        "loss: 1 place, 6 operations become 1\n\nthe cross-entropy of a softmax\n\n"
        "before\n"
        "value  operation        shape   module\n"
        "─────  ───────────────  ──────  ──────\n"
        "v₁     softmax(v₋₁, 1)  4×5\n"
        "v₂     log(v₁)          4×5\n"
        "v₃     v₀ · v₂          4×5\n"
        "v₄     sum(v₃, [1])     4\n"
        "v₅     mean(v₄)         scalar\n"
        "v₆     neg(v₅)          scalar\n\n"
        "after\n"
        "value  operation                    shape   module\n"
        "─────  ───────────────────────────  ──────  ──────\n"
        "v₁     cross_entropy_loss(v₋₁, v₀)  scalar"
    )
