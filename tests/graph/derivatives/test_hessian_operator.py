"""The operator multiplies rightly, keeps the faster way, and says which ways do not work."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import shinso.graph.derivatives._hessian_operator as hessian_operator_file
from shinso.graph.derivatives._hessian_operator import hessian_operator, loss_of_network


class _OnlyBackward(torch.autograd.Function):
    """x², differentiable twice by backward and not at all by forward mode."""

    generate_vmap_rule = False

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x**2

    @staticmethod
    def setup_context(ctx: torch.autograd.function.FunctionCtx, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, adjoint: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * adjoint


class _OnceOnly(_OnlyBackward):
    """x², whose backward cannot be differentiated either."""

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, adjoint: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return 2 * x * adjoint


def _quadratic(p: Tensor) -> Tensor:
    return (p**2 * torch.arange(1.0, len(p) + 1)).sum() / 2


def test_of_a_network_in_training_with_batch_norm_which_stays_as_it_is() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)).double()
    network[3].bias.requires_grad_(False)
    x, y = torch.randn(6, 3, dtype=torch.float64), torch.randint(0, 2, (6,))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    loss, parameters = loss_of_network(network, F.cross_entropy, x, y)
    operator = hessian_operator(loss, parameters, rounds=1)
    assert list(parameters) == ["0.weight", "0.bias", "1.weight", "1.bias", "3.weight"]
    assert operator.size == 12 + 4 + 4 + 4 + 8
    vector = {name: torch.randn_like(value) for name, value in parameters.items()}
    found = operator @ vector
    # Not torch.func.hessian: in torch 2.13 it is wrong in the weight of a batch norm in training mode, as vmap is.
    step = 1e-5
    ahead, behind = (
        torch.func.grad(loss)({name: value + sign * step * vector[name] for name, value in parameters.items()})
        for sign in (1, -1)
    )
    for name, product in found.items():
        torch.testing.assert_close(product, (ahead[name] - behind[name]) / (2 * step), rtol=1e-6, atol=1e-7)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("fastest", ["double backward", "forward over reverse"])
def test_the_faster_way_is_kept(fastest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"double backward": 2.0, "forward over reverse": 2.0, fastest: 1.0}
    monkeypatch.setattr(hessian_operator_file, "seconds_in_turn", lambda calls, rounds: times)
    operator = hessian_operator(_quadratic, torch.ones(3))
    assert operator.way == fastest
    assert f"Hessian of 3 parameters, multiplied by {fastest}" in str(operator)
    assert (operator @ torch.ones(3)).tolist() == [1, 2, 3]
    (kept,) = [line for line in str(operator).splitlines() if line.endswith("kept")]
    assert kept.startswith(fastest)


def test_a_way_without_a_derivative_is_left_out_and_said_so() -> None:
    operator = hessian_operator(lambda p: _OnlyBackward.apply(p).sum(), torch.ones(2))
    assert operator.way == "double backward"
    assert list(operator.failures) == ["forward over reverse"]
    assert "forward over reverse does not work: " in str(operator)
    assert (operator @ torch.ones(2)).tolist() == [2, 2]


def test_where_neither_way_works_both_reasons_are_given() -> None:
    with pytest.raises(RuntimeError, match=r"in neither way: double backward: .*; forward over reverse: "):
        hessian_operator(lambda p: _OnceOnly.apply(p).sum(), torch.ones(2))


def test_ways_that_contradict_each_other_are_not_chosen_between(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {"double backward": lambda loss, p: lambda v: v, "forward over reverse": lambda loss, p: lambda v: 1.1 * v}
    monkeypatch.setattr(hessian_operator_file, "_WAYS", ways)
    with pytest.raises(
        ValueError, match=r"products that differ by 0.173, of size 1.91: the derivatives of an operation"
    ):
        hessian_operator(_quadratic, torch.ones(3))


def test_a_loss_that_changes_or_is_not_finite_is_refused() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Dropout())
    changing, parameters = loss_of_network(network, F.mse_loss, torch.randn(8, 4), torch.randn(8, 4))
    with pytest.raises(ValueError, match=r"at the same parameters; .*: switch dropout off with network.eval\(\)"):
        hessian_operator(changing, parameters)
    with pytest.raises(ValueError, match="the loss is nan; a Hessian needs a finite one"):
        hessian_operator(lambda p: p.log().sum(), -torch.ones(2))
