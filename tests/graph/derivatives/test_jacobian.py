"""Full Jacobians against closed forms and torch.autograd.functional."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from shinso.graph.derivatives._jacobian import (
    ModeMeasured,
    compare_jacobians,
    jacobian,
    jacobian_forward,
    jacobian_reverse,
)

BOTH = pytest.mark.parametrize("of", [jacobian, jacobian_forward, jacobian_reverse])


class _Cube(torch.autograd.Function):
    """x³, with a backward and no forward derivative."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x**3

    @staticmethod
    def setup_context(ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, adjoint: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x**2 * adjoint


@BOTH
@given(rows=st.integers(1, 5), columns=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_of_a_tanh_layer_is_its_closed_form(of, rows: int, columns: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    x = torch.randn(columns, generator=generator, dtype=torch.float64)
    expected = (1 - torch.tanh(weight @ x) ** 2)[:, None] * weight
    torch.testing.assert_close(of(lambda x: torch.tanh(weight @ x), x), expected, rtol=1e-12, atol=1e-14)


@BOTH
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (1, 2, 2)])
def test_shapes_are_the_outputs_followed_by_the_inputs(of, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape, dtype=torch.float64)

    def function(x: Tensor) -> Tensor:
        return torch.stack([x.sin().sum(), (x**3).prod()])[:, None].expand(2, 2)

    expected = torch.autograd.functional.jacobian(function, x)
    assert of(function, x).shape == (2, 2, *shape)
    torch.testing.assert_close(of(function, x), expected)


@BOTH
def test_where_sweeps_cannot_be_batched_they_are_taken_one_by_one(of) -> None:
    def function(x: Tensor) -> Tensor:
        scale = x[0].item() * 0 + 2  # a number that vmap does not give away
        return scale * x

    torch.testing.assert_close(of(function, torch.ones(3)), 2 * torch.eye(3))


@BOTH
def test_of_no_inputs_and_no_outputs(of) -> None:
    assert of(lambda x: x.sum()[None].expand(2), torch.ones(0)).shape == (2, 0)
    assert of(lambda x: x[:0], torch.ones(3)).shape == (0, 3)


@pytest.mark.parametrize(("inputs", "outputs", "mode"), [(2, 5, "forward"), (5, 2, "reverse"), (3, 3, "forward")])
def test_the_mode_of_fewer_sweeps_is_taken(
    inputs: int, outputs: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    monkeypatch.setattr("shinso.graph.derivatives._jacobian.jacobian_forward", lambda f, x: taken.append("forward"))
    monkeypatch.setattr("shinso.graph.derivatives._jacobian.jacobian_reverse", lambda f, x: taken.append("reverse"))
    jacobian(lambda x: x.sum() * torch.ones(outputs), torch.ones(inputs))
    assert taken == [mode]


def test_without_a_forward_derivative_reverse_is_taken() -> None:
    x = torch.tensor([1.0, 2.0])

    def function(x: Tensor) -> Tensor:
        return _Cube.apply(x).repeat(2)

    with pytest.raises(NotImplementedError, match="jvp"):
        jacobian_forward(function, x)
    torch.testing.assert_close(jacobian(function, x), torch.tensor([[3.0, 0], [0, 12], [3, 0], [0, 12]]))
    comparison = compare_jacobians(function, x, rounds=1)
    assert comparison.forward == ModeMeasured("forward", 2, None)
    assert comparison.faster is comparison.reverse
    assert math.isnan(comparison.difference)
    assert "–" in str(comparison)


def test_a_comparison_counts_sweeps_and_shows_them() -> None:
    weight = torch.randn(2, 7, dtype=torch.float64)
    comparison = compare_jacobians(lambda x: torch.tanh(weight @ x), torch.ones(7, dtype=torch.float64), rounds=1)
    assert (comparison.forward.sweeps, comparison.reverse.sweeps) == (7, 2)
    assert comparison.by_shape is comparison.reverse
    assert comparison.difference < 1e-14
    assert comparison.forward.seconds > 0
    text = str(comparison)
    assert text.startswith("Jacobian of 2 outputs in 7 inputs: ")
    assert "forward  7 " in text
    assert "reverse  2 " in text


def test_a_comparison_sees_two_modes_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shinso.graph.derivatives._jacobian.jacobian_forward", lambda f, x: jacobian_reverse(f, x) + 1)
    assert compare_jacobians(lambda x: x * 2, torch.ones(2), rounds=1).difference == 1


@BOTH
def test_what_has_no_jacobian_is_refused(of) -> None:
    with pytest.raises(ValueError, match="x is of type list; a Jacobian needs one tensor: concatenate"):
        of(lambda x: x, [1.0])
    with pytest.raises(
        ValueError, match=r"x holds torch.int64; derivatives need real numbers: convert it with .float\(\)"
    ):
        of(lambda x: x, torch.ones(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="the function's output is of type tuple"):
        of(lambda x: (x, x), torch.ones(2))


@BOTH
def test_an_error_of_the_function_is_handed_on(of) -> None:
    with pytest.raises(RuntimeError, match="size"):
        of(lambda x: x @ torch.ones(5), torch.ones(2))
