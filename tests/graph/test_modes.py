"""Forward and reverse mode against the lecture's figures, torch.autograd and torch.func."""

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from graph.graph_cases import CASES, lecture_example, lecture_inputs
from shinso.graph import trace


def test_figure_5_by_hand_to_the_printed_digits() -> None:
    forward = trace(lecture_example, *lecture_inputs()).forward_mode("W", digits=3)
    primals = {node.number: f"{value.item():#.3g}" for node, value in forward.primals.items()}
    tangents = {number: f"{forward[number].item():#.3g}" for number in range(1, 7)}
    given = {-3: "1.00", -2: "0.500", -1: "3.00", 0: "-1.00"}
    assert primals == {**given, 1: "1.50", 2: "0.500", 3: "0.462", 4: "0.962", 5: "0.724", 6: "0.323"}
    assert tangents == {1: "0.500", 2: "0.500", 3: "0.393", 4: "0.393", 5: "0.0786", 6: "-0.109"}


def test_figure_6_by_hand_to_the_printed_digits() -> None:
    reverse = trace(lecture_example, *lecture_inputs()).reverse_mode(digits=3)
    adjoints = {number: f"{reverse[number].item():#.3g}" for number in (6, 5, 2, 1, 0, -1)}
    assert adjoints == {6: "1.00", 5: "-1.38", 2: "-0.217", 1: "-0.217", 0: "-0.217", -1: "-0.109"}


def test_without_rounding_they_are_exact() -> None:
    inputs = tuple(value.requires_grad_() for value in lecture_inputs())
    loss = lecture_example(*inputs)
    gradients = torch.autograd.grad(loss, inputs)
    graph = trace(lecture_example, *inputs)
    reverse = graph.reverse_mode()
    assert reverse.value == loss
    for name, gradient in zip("yxWb", gradients, strict=True):
        torch.testing.assert_close(reverse[name], gradient, rtol=1e-14, atol=0)
        torch.testing.assert_close(graph.forward_mode(name).tangent, gradient, rtol=1e-14, atol=0)


def test_the_tables_say_how_each_row_comes_about() -> None:
    graph = trace(lecture_example, *lecture_inputs())
    forward, reverse = str(graph.forward_mode("W")), str(graph.reverse_mode())
    assert re.search(r"v₅ +sigmoid\(v₄\) +0\.724 +v̇₅ = v̇₄·exp\(-v₄\)/\(1 \+ exp\(-v₄\)\)² +0\.0787", forward)
    assert re.search(r"v₁ +v₋₂ · v₋₁ +1\.50 +v̇₁ = v̇₋₁·v₋₂ +0\.500", forward)
    assert re.search(r"v₂ +v̄₂ = v̄₃·\(1 − tanh\(v₂\)²\) +-0\.217", reverse)
    assert re.search(r"v₋₂ +v̄₋₂ = v̄₁·v₋₁ \+ v̄₄ +-0\.929", reverse)
    assert re.search(r"v₆ +v̄₆ = 1 +1\.00", reverse)


@pytest.mark.parametrize("name", CASES)
def test_adjoints_equal_autograd(name: str) -> None:
    model, batch = CASES[name].make()
    graph = trace(model, *batch)
    torch.manual_seed(1)
    reverse = graph.reverse_mode()
    torch.manual_seed(1)
    loss = model(*batch)
    loss.backward()
    assert reverse.value == loss
    for parameter, value in model.named_parameters():
        assert value.grad is not None
        assert (reverse[parameter] - value.grad).norm() <= 1e-10 * value.grad.norm(), parameter


@pytest.mark.parametrize("name", CASES)
def test_tangents_equal_gradients_times_the_direction(name: str) -> None:
    model, batch = CASES[name].make()
    tangents = {key: torch.randn_like(value) for key, value in model.named_parameters()}
    graph = trace(model, *batch)
    torch.manual_seed(1)
    forward = graph.forward_mode(tangents)
    torch.manual_seed(1)
    loss = model(*batch)
    loss.backward()
    torch.testing.assert_close(forward.value, loss.detach(), rtol=1e-14, atol=0)
    products = [(value.grad * tangents[key]).sum() for key, value in model.named_parameters() if value.grad is not None]
    torch.testing.assert_close(forward.tangent, torch.stack(products).sum(), rtol=1e-10, atol=1e-10)


# torch has no forward derivative of its own for LSTMs and, in eval mode, transformers.
@pytest.mark.parametrize("name", sorted(set(CASES) - {"lstm", "transformer"}))
def test_tangents_equal_jvp(name: str) -> None:
    model, batch = CASES[name].make()
    model.eval()
    parameters = {key: value.detach() for key, value in model.named_parameters()}
    tangents = {key: torch.randn_like(value) for key, value in parameters.items()}

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(model, parameters, batch)

    _, expected = torch.func.jvp(loss, (parameters,), (tangents,))
    torch.testing.assert_close(trace(model, *batch).forward_mode(tangents).tangent, expected, rtol=1e-10, atol=0)


def test_a_network_in_eval_mode_is_differentiated_like_one_in_training_mode() -> None:
    model, batch = CASES["transformer"].make()
    model.eval()
    reverse = trace(model, *batch).reverse_mode()
    loss = model(*batch)
    loss.backward()
    for name, value in model.named_parameters():
        torch.testing.assert_close(reverse[name], value.grad, rtol=1e-10, atol=1e-14)


def test_neither_mode_changes_the_model() -> None:
    model, batch = CASES["resnet-batch"].make()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    graph = trace(model, *batch)
    graph.reverse_mode()
    graph.forward_mode({"network.conv.weight": torch.ones_like(model.get_parameter("network.conv.weight"))})
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())


_OPERATIONS = st.sampled_from(["add", "mul", "sin", "tanh", "sub", "div"])
_STEP = st.tuples(_OPERATIONS, st.integers(0, 7), st.integers(0, 7))


@settings(max_examples=40, deadline=None)
@given(st.lists(_STEP, min_size=1, max_size=12), st.integers(0, 2**31))
def test_random_graphs_both_ways(steps: list[tuple[str, int, int]], seed: int) -> None:
    def function(a: Tensor, b: Tensor) -> Tensor:
        values = [a, b]
        for name, i, j in steps:
            x, y = values[i % len(values)], values[j % len(values)]
            match name:
                case "sin" | "tanh":
                    values.append(getattr(torch, name)(x))
                case "div":
                    values.append(x / (1 + y * y))
                case _:
                    values.append(getattr(torch, name)(x, y.sum(0)))
        return values[-1].mean()

    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(2, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    expected = torch.autograd.grad(function(a, b), (a, b), allow_unused=True, materialize_grads=True)
    graph = trace(function, a, b)
    reverse = graph.reverse_mode()
    for name, gradient in zip("ab", expected, strict=True):
        torch.testing.assert_close(reverse[name], gradient, rtol=1e-10, atol=1e-12)
    direction = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    tangent = graph.forward_mode({"a": direction}).tangent
    torch.testing.assert_close(tangent, (expected[0] * direction).sum(), rtol=1e-9, atol=1e-11)


def test_a_value_taken_twice_gets_both_adjoints() -> None:
    x = torch.tensor(3.0)
    assert trace(lambda x: x * x, x).reverse_mode()["x"] == 6
    assert trace(lambda x: x * x, x).forward_mode("x").tangent == 6


def test_what_the_output_does_not_depend_on_gets_zero() -> None:
    graph = trace(lambda x, y: x.sin(), torch.tensor(1.0), torch.ones(2, 2))
    assert torch.equal(graph.reverse_mode()["y"], torch.zeros(2, 2))
    assert graph.forward_mode({"y": torch.ones(2, 2)}).tangent == 0


def test_nothing_flows_through_no_grad_and_detach() -> None:
    def function(x: Tensor) -> Tensor:
        with torch.no_grad():
            stopped = x * 5
        return x * stopped + x.detach()

    graph = trace(function, torch.tensor(2.0))
    assert graph.reverse_mode()["x"] == 10
    assert graph.forward_mode("x").tangent == 10


def test_autocast_is_kept() -> None:
    x, w = torch.randn(4, 8), torch.randn(8, 3, requires_grad=True)

    def function(x: Tensor, w: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16):
            h = x @ w
        return h.float().square().mean()

    loss = function(x, w)
    loss.backward()
    reverse = trace(function, x, w).reverse_mode()
    assert reverse.value == loss
    torch.testing.assert_close(reverse["w"], w.grad)


def test_a_custom_function_keeps_its_own_backward() -> None:
    class StraightThrough(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: Tensor) -> Tensor:
            return x.sign()

        @staticmethod
        def backward(ctx: object, gradient: Tensor) -> Tensor:
            return gradient

    graph = trace(lambda x: StraightThrough.apply(x * 2).sum(), torch.randn(3))
    assert [node.name for node in graph.operations] == ["mul", "StraightThrough", "sum"]
    assert torch.equal(graph.reverse_mode()["x"], torch.full((3,), 2.0))


def test_another_adjoint_is_a_vector_jacobian_product() -> None:
    x, bar = torch.randn(3, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    reverse = trace(lambda x: x.cumsum(0).sin(), x).reverse_mode(bar)
    _, pull_back = torch.func.vjp(lambda x: x.cumsum(0).sin(), x)
    torch.testing.assert_close(reverse["x"], pull_back(bar)[0])


def test_what_does_not_fit_is_said() -> None:
    graph = trace(lambda x, n: x.sin() * n, torch.ones(3), torch.tensor([1, 2, 3]))
    with pytest.raises(ValueError, match=r"the output v₂ has shape \(3,\); reverse mode starts from a scalar"):
        graph.reverse_mode()
    with pytest.raises(ValueError, match=r"the adjoint has shape \(2,\); the output has shape \(3,\)"):
        graph.reverse_mode(torch.ones(2))
    with pytest.raises(ValueError, match=r"x has 3 entries; .* forward_mode\(\{'x': tangent\}\)"):
        graph.forward_mode("x")
    with pytest.raises(ValueError, match=r"the tangent of x has shape \(2,\); expected \(3,\)"):
        graph.forward_mode({"x": torch.ones(2)})
    with pytest.raises(ValueError, match=r"n holds torch\.int64; derivatives need real numbers"):
        graph.forward_mode({"n": torch.ones(3)})
    with pytest.raises(ValueError, match=r"v₁ \(sin\) is computed; forward mode starts from inputs"):
        graph.forward_mode({"v1": torch.ones(3)})
    with pytest.raises(ValueError, match=r"<lambda> returns 2 tensors; derivatives need a function that returns one"):
        trace(lambda x: (x, x + 1), torch.tensor(1.0)).reverse_mode()
    with pytest.raises(ValueError, match=r"digits must be at least 1"):
        trace(lambda x: x + 1, torch.tensor(1.0)).reverse_mode(digits=0)


def test_linear_layers_on_the_way() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    text = str(trace(nn.Sequential(model, nn.Flatten(0)), torch.randn(1, 3)).reverse_mode(torch.ones(1)))
    assert "v̄₁·(1 − tanh" not in text
    assert re.search(r"v̄₂ᵀ·|v̄₃ᵀ·", text)
