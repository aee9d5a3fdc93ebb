"""A compiled graph does what the traced function does, gradients and all."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from shinso.graph import trace
from shinso.graph.running._running import compile_graph, compile_graph_with_inductor


def _network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4, 5), nn.LayerNorm(5)
    )


def test_result_and_gradients_are_those_of_the_module() -> None:
    network, x = _network(), torch.randn(4, 2, 4, 4)
    compiled = compile_graph(trace(network, torch.empty(4, 2, 4, 4)))
    network[1].running_mean.fill_(0.3)
    parameters = list(network.parameters())
    expected = torch.autograd.grad(network(x).sin().sum(), parameters)
    mean = network[1].running_mean.clone()
    network[1].running_mean.fill_(0.3)
    assert torch.equal(compiled(x), network(x))
    found = torch.autograd.grad(compiled(x).sin().sum(), parameters)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    network[1].running_mean.fill_(0.3)
    compiled(x)
    torch.testing.assert_close(network[1].running_mean, mean)


def test_it_follows_the_parameters_as_they_are_trained() -> None:
    layer, x = nn.Linear(2, 1), torch.ones(1, 2)
    compiled = compile_graph(trace(layer, x))
    with torch.no_grad():
        layer.weight.add_(1)
    assert torch.equal(compiled(x), layer(x))


@given(st.integers(0, 999), st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_random_graphs_with_shared_values(seed: int, size: int) -> None:
    choose = torch.Generator().manual_seed(seed)
    picks = torch.randint(0, 1000, (size, 3), generator=choose).tolist()
    operations = [torch.add, torch.mul, torch.sub, lambda a, b: torch.sin(a), lambda a, b: torch.tanh(b)]

    def function(x: Tensor, y: Tensor) -> Tensor:
        values = [x, y]
        for which, first, second in picks:
            values.append(operations[which % 5](values[first % len(values)], values[second % len(values)]))
        return values[-1] + values[-2]

    x, y = torch.randn(2, 3, generator=choose)
    assert torch.equal(compile_graph(trace(function, x, y))(x, y), function(x, y))


def test_nested_results_and_what_was_switched_on_around_operations() -> None:
    weight = torch.randn(3, 3)

    def function(x: Tensor, options: dict[str, Tensor]) -> dict[str, object]:
        with torch.no_grad():
            fixed = x.sin()
        with torch.autocast("cpu", torch.bfloat16):
            low = x @ weight
        return {"a": fixed * x, "more": [low, 3, options["v1"], None]}

    x, shift = torch.randn(3, 3, requires_grad=True), torch.ones(3)
    compiled = compile_graph(trace(function, x, {"v1": shift}))
    found = compiled(x, shift)
    assert torch.equal(found["a"], x.sin() * x)
    assert torch.equal(torch.autograd.grad(found["a"].sum(), x)[0], x.sin())
    assert found["more"][0].dtype == torch.bfloat16
    assert found["more"][1:] == [3, shift, None]
    with torch.no_grad():
        assert not compiled(x, shift)["more"][0].requires_grad


def test_its_code_is_a_line_for_each_operation() -> None:
    compiled = compile_graph(trace(lambda x: (x.sin() + 1).exp(), torch.ones(2), names=["x"]))
    lines = [line.split(";")[0].strip() for line in compiled.code.splitlines() if "torch.ops" in line]
    assert lines == [
        "v1 = torch.ops.aten.sin.default(x)",
        "v2 = torch.ops.aten.add.Tensor(v1, 1)",
        "v3 = torch.ops.aten.exp.default(v2)",
    ]


def test_other_shapes_types_and_numbers_of_inputs_are_refused() -> None:
    compiled = compile_graph(trace(lambda x: x * 2, torch.ones(2), names=["x"]))
    with pytest.raises(ValueError, match=r"x was traced with shape \(2,\) and torch.float32; got \(3,\) .*: trace and"):
        compiled(torch.ones(3))
    with pytest.raises(ValueError, match=r"got .* and torch.float64"):
        compiled(torch.ones(2, dtype=torch.float64))
    with pytest.raises(ValueError, match="was traced with 1 input tensors; got 2"):
        compiled(torch.ones(2), torch.ones(2))


def test_inductor_gets_the_graph_and_is_called_with_all_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    given_to: list[object] = []
    monkeypatch.setattr(torch, "compile", lambda module, **options: (given_to.append(module), module)[1])
    layer, x = nn.Linear(2, 3), torch.randn(4, 2)
    compiled = compile_graph_with_inductor(trace(layer, x))
    assert torch.equal(compiled(x), layer(x))
    assert isinstance(given_to[0], torch.fx.GraphModule)
