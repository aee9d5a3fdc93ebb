"""What tracing finds, in functions and modules, and what it says of code that cannot be traced."""

import linecache
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from graph.graph_cases import CASES, lecture_example, lecture_inputs
from shinso.graph import Graph, Untraceable, trace


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph.operations]


def test_the_lecture_graph_is_numbered_as_in_the_lecture() -> None:
    graph = trace(lecture_example, *lecture_inputs())
    assert [(node.number, node.name) for node in graph.nodes] == [
        (-3, "y"), (-2, "x"), (-1, "W"), (0, "b"),
        (1, "mul"), (2, "add"), (3, "tanh"), (4, "add"), (5, "sigmoid"), (6, "binary_cross_entropy"),
    ]  # fmt: skip
    parents = {node.number: [parent.number for parent in node.parents] for node in graph.operations}
    assert parents == {1: [-2, -1], 2: [1, 0], 3: [2], 4: [3, -2], 5: [4], 6: [5, -3]}
    assert [taker.number for taker in graph.consumers[graph["x"]]] == [1, 4]


def test_the_table_has_a_row_for_each_value() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 2)))
    lines = str(trace(model, torch.randn(5, 3))).splitlines()
    assert re.fullmatch(r"value +operation +shape +type +module", lines[0])
    assert re.fullmatch(r"v₋₃ +0\.weight \(parameter\) +4×3 +float32", lines[3])
    assert re.fullmatch(r"v₁ +linear\(v₋₄, v₋₃, v₋₂\) +5×4 +float32 +0", lines[-3])
    assert re.fullmatch(r"v₂ +relu\(v₁\) +5×4 +float32 +1\.0", lines[-2])
    assert re.fullmatch(r"v₃ +linear\(v₂, v₋₁, v₀\) +5×2 +float32 +1\.1", lines[-1])


def test_every_value_depends_on_earlier_ones_alone() -> None:
    for case in CASES.values():
        model, batch = case.make()
        graph = trace(model, *batch)
        seen = set()
        for node in graph.nodes:
            assert seen.issuperset(node.parents)
            seen.add(node)
        assert [node.number for node in graph.nodes] == list(range(1 - len(graph.bindings), len(graph.operations) + 1))


@pytest.mark.parametrize("name", CASES)
def test_evaluating_gives_what_the_model_gives(name: str) -> None:
    model, batch = CASES[name].make()
    graph = trace(model, *batch)
    torch.manual_seed(3)
    values = graph.evaluate()
    torch.manual_seed(3)
    assert torch.equal(values[graph.outputs[0]], model(*batch))
    for node in graph.operations:
        for spec, value in zip(node.specs, torch.utils._pytree.tree_leaves(values[node]), strict=True):
            assert (spec.shape, spec.dtype) == (tuple(value.shape), value.dtype)


def test_other_values_can_be_given_by_name() -> None:
    graph = trace(lambda x, y: x * y, torch.ones(3), torch.ones(3))
    values = graph.evaluate(x=torch.tensor([1.0, 2.0, 3.0]))
    assert values[graph["v1"]].tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match=r"x was traced with shape \(3,\); got \(2,\): trace it again"):
        graph.evaluate(x=torch.ones(2))
    with pytest.raises(ValueError, match=r"x was traced with torch\.float32; got torch\.int64"):
        graph.evaluate(x=torch.ones(3, dtype=torch.int64))
    with pytest.raises(KeyError, match=r"no node is called 'z'; there are v₋₁ x, v₀ y, and v1 to v1"):
        graph.evaluate(z=torch.ones(3))


def test_a_node_is_found_by_number_symbol_and_name() -> None:
    graph = trace(lambda x: x.sin().sin().cos(), torch.ones(2))
    assert graph[3] is graph["v3"] is graph["v₃"] is graph["cos"]
    with pytest.raises(KeyError, match="2 nodes are called 'sin': v₁ sin, v₂ sin; take one by its number"):
        graph["sin"]


def test_inputs_may_be_nested_and_need_not_be_tensors() -> None:
    def function(batch: dict[str, Tensor], scale: float, flag: bool) -> tuple[Tensor, dict[str, Tensor]]:
        result = batch["x"] * scale + batch["y"]
        return result, {"negative": -result} if flag else {}

    graph = trace(function, {"x": torch.ones(2), "y": torch.ones(2)}, 3.0, True)
    assert [node.name for node in graph.inputs] == ["batch['x']", "batch['y']"]
    assert names(graph) == ["mul", "add", "neg"]
    assert graph.output[1]["negative"] is graph["neg"]
    renamed = trace(function, {"x": torch.ones(2), "y": torch.ones(2)}, 3.0, True, names=("b", "s", "f"))
    assert renamed.inputs[0].name == "b['x']"
    with pytest.raises(ValueError, match=r"there are 3 inputs and 2 names: b, s"):
        trace(function, {"x": torch.ones(2), "y": torch.ones(2)}, 3.0, True, names=("b", "s"))


def test_nothing_is_computed() -> None:
    with torch.device("meta"):
        model, x = nn.Sequential(nn.Linear(10**6, 10**6), nn.ReLU()), torch.empty(10**5, 10**6)
    graph = trace(model, x)
    assert graph["relu"].spec.shape == (10**5, 10**6)
    assert graph["relu"].spec.device.type == "meta"


def test_shared_parameters_are_one_node() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    graph = trace(model, torch.randn(2, 3))
    assert [node.name for node in graph.parameters] == ["0.weight", "0.bias", "1.bias"]
    assert len(graph.consumers[graph["0.weight"]]) == 2


def test_a_layer_with_two_names_keeps_its_parameters() -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    trace(model, torch.ones(1, 2))
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.requires_grad
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_unused_parameters_stay_and_unused_work_goes() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            self.unused(x).sum()
            return self.used(x)

    graph = trace(Model(), torch.randn(1, 2))
    assert len(graph.parameters) == 4
    assert names(graph) == ["linear"]


def test_modules_called_twice_and_deep_inside() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Sequential(nn.Linear(2, 2), nn.Tanh())

        def forward(self, x: Tensor) -> Tensor:
            return self.block(self.block(x)) + x

    graph = trace(Twice(), torch.randn(1, 2))
    assert [node.module for node in graph.operations] == ["block.0", "block.1", "block.0", "block.1", ""]


def in_place(x: Tensor) -> Tensor:
    a = x * 1
    a += 1
    a.mul_(2).sub_(x)
    return a.clamp_(min=0)


def through_views(x: Tensor) -> Tensor:
    a = x * 1
    rows = a[1:]
    flat = a.view(-1)
    a[:, 0] = 5
    rows *= 3
    flat[2] += 1
    a.t()[1] = a.t()[0] * 2
    return rows.sum() + flat.cumsum(0) + a.permute(1, 0).reshape(-1)


def through_permutations(x: Tensor) -> Tensor:
    a = x.clone()
    b = a.unsqueeze(0).permute(2, 0, 1)
    b[0] = 7
    a.diagonal().fill_(2)
    c = a.transpose(0, 1)
    c.zero_()
    c += x.t()
    return a + b[:, 0].t()


def copied_with_another_type(x: Tensor) -> Tensor:
    a = torch.zeros(x.shape, dtype=torch.float64)
    a[0] = x[0].float()
    a.copy_(a + x.mean())
    return a * x


def given_an_out(x: Tensor) -> Tensor:
    a = torch.zeros(x.shape, dtype=x.dtype)
    with torch.no_grad():
        torch.div(x.detach(), 3, out=a[:])
        torch.mul(a, a, out=a)
    return a * x


@pytest.mark.parametrize(
    "function", [in_place, through_views, through_permutations, copied_with_another_type, given_an_out]
)
def test_changes_in_place_become_values(function: Callable[[Tensor], Tensor]) -> None:
    x = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    graph = trace(lambda x: function(x).sum(), x)
    assert not [name for name in names(graph) if name.endswith("_")]
    expected = function(x).sum()
    assert graph.evaluate()[graph.outputs[0]] == expected
    (gradient,) = torch.autograd.grad(expected, x)
    torch.testing.assert_close(graph.reverse_mode()["x"], gradient)


_WRITES = st.lists(
    st.tuples(st.sampled_from(["row", "column", "flat", "all", "turned", "read"]), st.integers(0, 2)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(_WRITES)
def test_any_order_of_reads_and_writes_through_views(writes: list[tuple[str, int]]) -> None:
    def function(x: Tensor) -> Tensor:
        a = x * 1
        flat, turned, total = a.view(-1), a.t(), x.sum() * 0
        for kind, i in writes:
            match kind:
                case "row":
                    a[i] = a[(i + 1) % 3] * 2
                case "column":
                    a[:, i] += 1
                case "flat":
                    flat[i:] *= -1
                case "all":
                    a.mul_(1.5)
                case "turned":
                    turned[i].add_(flat[i].clone())
                case "read":
                    total = total + turned[i].sum() + flat[0]
        return total + (a * flat.view(3, 3)).sum()

    x = torch.arange(9.0, dtype=torch.float64).view(3, 3)
    graph = trace(function, x)
    torch.testing.assert_close(graph.evaluate()[graph.outputs[0]], function(x), rtol=1e-13, atol=0)


def test_a_change_that_cannot_be_followed_is_said() -> None:
    def function(x: Tensor) -> Tensor:
        a = x * 1
        a.unfold(0, 2, 1).mul_(2)
        return a

    with pytest.raises(Untraceable, match=r"mul_ changes a part of a tensor, got by unfold, in place"):
        trace(function, torch.ones(4))


UNTRACEABLE = {
    "if x.sum() > 0: return x": "a branch on a tensor's value: write torch.where",
    "return x * x.sum().item()": "a tensor's number in Python: keep it a tensor",
    "return x * float(x.sum())": r"keep it a tensor instead of float\(…\)",
    "return x[: int(x.max())]": "a tensor's number in Python: .*pass the number as a Python argument",
    "return x[x > 0]": "a mask as an index",
    "return x + torch.from_numpy(x.numpy())": "a tensor's numbers in NumPy",
    "return x + sum(x.tolist())": "a tensor's number in Python",
    "return x.nonzero()": "a result whose shape depends on values",
    "return torch.masked_select(x, x > 0)": "a result whose shape depends on values",
    "return x + [1.0, 2.0][x.argmax()]": "a tensor as an index or size",
}


@pytest.mark.parametrize(("line", "message"), UNTRACEABLE.items())
def test_code_that_needs_a_number_is_named_with_its_line(line: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(f"import torch\n\ndef function(x):\n    y = x + 1\n    {line}\n    return y\n")
    linecache.checkcache(str(file))
    scope: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    with pytest.raises(Untraceable, match=message) as caught:
        trace(scope["function"], torch.randn(4))
    assert f"mine.py:5: `{line}` needs" in str(caught.value)


def test_spectral_normalisation_in_training_mode() -> None:
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)).double()
    x = torch.randn(2, 4, dtype=torch.float64)
    graph = trace(layer, x)
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    reverse = graph.reverse_mode(torch.ones(2, 3, dtype=torch.float64))
    assert all(torch.equal(value, state[name]) for name, value in layer.state_dict().items())
    layer(x).sum().backward()
    for name, parameter in layer.named_parameters():
        torch.testing.assert_close(reverse[name], parameter.grad)


def test_gradients_inside_a_function() -> None:
    def penalty(x: Tensor) -> Tensor:
        z = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad((z**3).sum(), z, create_graph=True)
        return (slope**2).sum()

    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    graph = trace(penalty, x)
    assert graph.evaluate()[graph.outputs[0]] == 9 + 144
    assert graph.reverse_mode()["x"].tolist() == [36, 288]
    with pytest.raises(Untraceable, match=r"inside torch\.func\.grad, vmap or the like: use torch\.autograd\.grad"):
        trace(lambda x: torch.func.grad(lambda z: (z**3).sum())(x) * 2, x)


def test_masks_may_be_written_through() -> None:
    def function(x: Tensor) -> Tensor:
        a = x.clone()
        a[x < 0] = 0
        return a

    x = torch.randn(5)
    graph = trace(function, x)
    assert torch.equal(graph.evaluate()[graph.outputs[0]], x.relu())


def test_other_errors_keep_their_kind_and_get_the_line() -> None:
    def function(x: Tensor) -> Tensor:
        return x @ x

    with pytest.raises(RuntimeError, match="must have same reduction dim") as caught:
        trace(function, torch.ones(2, 3))
    assert re.search(r"while tracing .*test_trace\.py:\d+: `return x @ x`", caught.value.__notes__[0])


def test_tracing_leaves_the_model_and_torch_as_they_were() -> None:
    model, batch = CASES["resnet-batch"].make()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state, apply = torch.get_rng_state(), torch.autograd.Function.__dict__["apply"]
    trace(model, *batch)
    with pytest.raises(Untraceable):
        trace(lambda x: x.item(), torch.ones(1))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.autograd.Function.__dict__["apply"] is apply
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
