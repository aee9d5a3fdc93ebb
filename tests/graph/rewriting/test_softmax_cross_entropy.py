"""The fused cross-entropy equals the plain one where that works, is right where it fails, and its adjoint is q − p."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from shinso.graph import trace
from shinso.graph._graph import Graph
from shinso.graph.rewriting._softmax_cross_entropy import fuse_softmax_cross_entropy

N, C = 4, 5


def _probabilities(*shape: int, axis: int = 1) -> Tensor:
    return torch.softmax(torch.randn(shape, dtype=torch.float64), axis)


def _numbers() -> Tensor:
    return torch.randint(0, C, (N,))


def _names(graph: Graph) -> list[str]:
    return [node.name for node in graph.operations]


def _check_equal(before: Graph, after: Graph, wrt: str = "z") -> None:
    """The same values and adjoints."""
    ours, plain = after.evaluate()[after.outputs[0]], before.evaluate()[before.outputs[0]]
    torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    adjoint = torch.linspace(1, 2, ours.numel(), dtype=ours.dtype).view_as(ours)
    torch.testing.assert_close(
        after.reverse_mode(adjoint)[wrt], before.reverse_mode(adjoint)[wrt], rtol=1e-10, atol=1e-12
    )


WITH_PROBABILITIES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean of sums": lambda z, p: -(p * torch.log(torch.softmax(z, 1))).sum(1).mean(),
    "sign of p": lambda z, p: (-p * torch.log(torch.softmax(z, 1))).sum(-1).mean(),
    "sign of the logarithm": lambda z, p: (p * -torch.log(torch.softmax(z, 1))).sum(-1).mean(),
    "three signs": lambda z, p: -(-p * -torch.log(torch.softmax(z, 1))).sum(-1).mean(),
    "other order": lambda z, p: (torch.log(F.softmax(z, -1)) * p).sum(dim=1).mean().neg(),
    "sum": lambda z, p: -torch.sum(p * F.softmax(z, dim=1).log()),
    "sum by n": lambda z, p: -torch.sum(p * F.softmax(z, dim=1).log()) / z.shape[0],
    "through log_softmax": lambda z, p: -(p * F.log_softmax(z, 1)).sum(1).mean(),
    "per example": lambda z, p: -(p * F.softmax(z, 1).log()).sum(1),
    "both axes at once": lambda z, p: -(p * F.softmax(z, 1).log()).sum((0, 1)),
    "batch first": lambda z, p: -(p * F.softmax(z, 1).log()).mean(0).sum(),
    "early sign": lambda z, p: (-(p * F.softmax(z, 1).log())).sum(1).mean(),
}
WITH_A_FACTOR: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean of all entries": lambda z, p: -(p * F.softmax(z, 1).log()).mean(),
    "no sign": lambda z, p: (p * F.softmax(z, 1).log()).sum(1).mean(),
    "temperature": lambda z, p: 0.5 * -(p * F.softmax(z, 1).log()).sum(1).mean(),
    "per example, no sign": lambda z, p: (p * F.softmax(z, 1).log()).sum(1),
}
WITH_NUMBERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "nll_loss": lambda z, y: F.nll_loss(torch.log(F.softmax(z, 1)), y),
    "nll_loss of log_softmax": lambda z, y: F.nll_loss(F.log_softmax(z, 1), y, reduction="sum"),
    "nll_loss, weighted": lambda z, y: F.nll_loss(
        F.softmax(z, 1).log(), y, torch.arange(1.0, C + 1, dtype=z.dtype), reduction="none", ignore_index=2
    ),
    "gather": lambda z, y: -torch.log(F.softmax(z, 1)).gather(1, y[:, None]).mean(),
    "gather and squeeze": lambda z, y: -torch.log(F.softmax(z, 1)).gather(1, y.unsqueeze(1)).squeeze(1),
    "index of the negative": lambda z, y: (-F.softmax(z, 1).log())[torch.arange(len(z)), y].mean(),
    "index": lambda z, y: -F.softmax(z, 1).log()[torch.arange(len(z)), y].sum(),
}


@pytest.mark.parametrize("loss", WITH_PROBABILITIES.values(), ids=WITH_PROBABILITIES)
def test_cross_entropy_of_probabilities(loss: Callable[..., Tensor]) -> None:
    before = trace(loss, torch.randn(N, C, dtype=torch.float64), _probabilities(N, C), names=["z", "p"])
    after = fuse_softmax_cross_entropy(before).after
    assert _names(after) == ["cross_entropy_loss"]
    _check_equal(before, after)


@pytest.mark.parametrize("loss", WITH_A_FACTOR.values(), ids=WITH_A_FACTOR)
def test_a_factor_stays_as_a_multiplication(loss: Callable[..., Tensor]) -> None:
    before = trace(loss, torch.randn(N, C, dtype=torch.float64), _probabilities(N, C), names=["z", "p"])
    after = fuse_softmax_cross_entropy(before).after
    assert _names(after) == ["cross_entropy_loss", "mul"]
    _check_equal(before, after)


@pytest.mark.parametrize("loss", WITH_NUMBERS.values(), ids=WITH_NUMBERS)
def test_cross_entropy_of_class_numbers(loss: Callable[..., Tensor]) -> None:
    before = trace(loss, torch.randn(N, C, dtype=torch.float64), _numbers(), names=["z", "y"])
    after = fuse_softmax_cross_entropy(before).after
    assert [name for name in _names(after) if name not in ("arange", "_to_copy", "to")] == ["cross_entropy_loss"]
    _check_equal(before, after)


def test_cross_entropy_of_one_hot_targets() -> None:
    def loss(z: Tensor, y: Tensor) -> Tensor:
        return -(F.one_hot(y, C).to(z.dtype) * F.softmax(z, 1).log()).sum(1).mean()

    before = trace(loss, torch.randn(N, C, dtype=torch.float64), _numbers())
    after = fuse_softmax_cross_entropy(before).after
    assert _names(after)[-1] == "cross_entropy_loss"
    assert not {"softmax", "log", "log_softmax"} & set(_names(after))
    _check_equal(before, after)


@pytest.mark.parametrize(
    ("shape", "axis"), [((2, 3, C), 2), ((C, N), 0), ((2, C, 3), 1), ((2, 3, 2, C), -1), ((C,), 0)]
)
@pytest.mark.parametrize("reduce", [lambda x: x, lambda x: x.mean(), lambda x: x.sum()], ids=["each", "mean", "sum"])
def test_any_axis_may_be_that_of_the_classes(shape: tuple[int, ...], axis: int, reduce: Callable[..., Any]) -> None:
    def loss(z: Tensor, p: Tensor) -> Tensor:
        return -reduce((p * F.softmax(z, axis).log()).sum(axis))

    before = trace(loss, torch.randn(shape, dtype=torch.float64), _probabilities(*shape, axis=axis))
    after = fuse_softmax_cross_entropy(before).after
    assert [name for name in _names(after) if name != "movedim"] == ["cross_entropy_loss"]
    _check_equal(before, after)


def test_numbers_of_classes_on_a_later_axis() -> None:
    def loss(z: Tensor, y: Tensor) -> Tensor:
        return -F.softmax(z, -1).log().gather(-1, y[..., None]).squeeze(-1).mean()

    before = trace(loss, torch.randn(2, 3, C, dtype=torch.float64), torch.randint(0, C, (2, 3)))
    after = fuse_softmax_cross_entropy(before).after
    assert [name for name in _names(after) if name != "unsqueeze"] == ["movedim", "cross_entropy_loss"]
    _check_equal(before, after)


@given(st.integers(1, 6), st.integers(2, 6), st.floats(-30, 30), st.integers(0, 999))
@settings(max_examples=30, deadline=None)
def test_the_adjoint_at_the_logits_is_q_minus_p_by_n(count: int, classes: int, scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    z = scale * torch.randn(count, classes, generator=generator, dtype=torch.float64)
    p = torch.softmax(torch.randn(count, classes, generator=generator, dtype=torch.float64), 1)
    before = trace(WITH_PROBABILITIES["mean of sums"], z, p)
    adjoint = fuse_softmax_cross_entropy(before).after.reverse_mode()["z"]
    torch.testing.assert_close(adjoint, (torch.softmax(z, 1) - p) / count, rtol=1e-9, atol=1e-15)


def test_large_logits_break_the_plain_form_and_not_the_fused_one() -> None:
    z = torch.tensor([[1000.0, -1000.0, 0.0], [-1000.0, 0.0, 1000.0]])
    p = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0]])
    before = trace(WITH_PROBABILITIES["mean of sums"], z, p)
    plain, fused = before.reverse_mode(), fuse_softmax_cross_entropy(before).after.reverse_mode()
    assert not plain.value.isfinite()
    assert not plain["z"].isfinite().all()
    assert fused.value == (2000 + 1500) / 2
    assert fused["z"].tolist() == [[0.5, -0.5, 0], [-0.25, -0.25, 0.5]]


def test_the_loss_of_a_network_with_softmax_at_its_end() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(3, C)
            self.end = nn.Softmax(dim=1)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return F.nll_loss(torch.log(self.end(self.body(x))), y)

    model = Classifier().double()
    rewriting = fuse_softmax_cross_entropy(trace(model, torch.randn(N, 3, dtype=torch.float64), _numbers()))
    assert [(node.name, node.module) for node in rewriting.after.operations] == [
        ("linear", "body"),
        ("cross_entropy_loss", ""),
    ]
    assert [node.name for node in rewriting.after.parameters] == ["body.weight", "body.bias"]
    _check_equal(rewriting.before, rewriting.after, "body.weight")


def test_what_is_used_elsewhere_stays() -> None:
    def both(z: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        q = F.softmax(z, 1)
        log_q = q.log()
        return F.nll_loss(log_q, y) + (q * log_q).sum(), q

    before = trace(both, torch.randn(N, C, dtype=torch.float64), _numbers())
    rewriting = fuse_softmax_cross_entropy(before)
    assert sorted(_names(rewriting.after)) == ["add", "cross_entropy_loss", "cross_entropy_loss", "mul", "softmax"]
    old, new = before.evaluate(), rewriting.after.evaluate()
    for ours, plain in zip(rewriting.after.outputs, before.outputs, strict=True):
        torch.testing.assert_close(new[ours], old[plain])


def test_losses_of_the_examples_that_are_used_twice_are_fused_once() -> None:
    def loss(z: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        each = -(p * F.softmax(z, 1).log()).sum(1)
        return each.mean(), each.max()

    after = fuse_softmax_cross_entropy(trace(loss, torch.randn(N, C), torch.rand(N, C))).after
    assert _names(after) == ["cross_entropy_loss", "mean", "max"]

    def returned(z: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        each = -(p * F.softmax(z, 1).log()).sum(1)
        return each.mean(), each

    after = fuse_softmax_cross_entropy(trace(returned, torch.randn(N, C), torch.rand(N, C))).after
    assert _names(after) == ["cross_entropy_loss", "mean"]


NOT_THE_PATTERN: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "a guard against zero": lambda z, p: -(p * torch.log(F.softmax(z, 1) + 1e-8)).sum(1).mean(),
    "no logarithm": lambda z, p: -(p * F.softmax(z, 1)).sum(1).mean(),
    "no softmax": lambda z, p: -(p * z.exp().log()).sum(1).mean(),
}
ONLY_THE_LOGARITHM: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "summed over the batch only": lambda z, p: (p * F.softmax(z, 1).log()).sum(0),
    "summed over another axis than that of softmax": lambda z, p: (p * F.softmax(z, 0).log()).sum(1),
    "not linear after": lambda z, p: (p * F.softmax(z, 1).log()).square().sum(),
    "one row for all": lambda z, p: -(p[:1] * F.softmax(z, 1).log()).sum(1).mean(),
    "axes kept": lambda z, p: -(p * F.softmax(z, 1).log()).sum(1, keepdim=True),
    "another type": lambda z, p: -(p * F.softmax(z, 1, dtype=torch.float32).log()).sum(1),
    "nll of the negative": lambda z, p: F.nll_loss(-F.softmax(z, 1).log(), p.argmax(1)),
    "nll over another axis": lambda z, p: F.nll_loss(F.softmax(z, 0).log(), p.argmax(1)),
    "one row": lambda z, p: F.softmax(z, 1).log()[torch.arange(1), p.argmax(1)],
    "other rows": lambda z, p: F.softmax(z, 1).log()[torch.arange(N).flip(0), p.argmax(1)],
    "a power of it": lambda z, p: (F.softmax(z, 1).log() / p).sum(),
}


@pytest.mark.parametrize("loss", NOT_THE_PATTERN.values(), ids=NOT_THE_PATTERN)
def test_other_functions_stay_as_they_are(loss: Callable[..., Tensor]) -> None:
    assert fuse_softmax_cross_entropy(trace(loss, torch.randn(N, C), torch.rand(N, C))).places == ()


@pytest.mark.parametrize("loss", ONLY_THE_LOGARITHM.values(), ids=ONLY_THE_LOGARITHM)
def test_elsewhere_the_logarithm_of_a_softmax_is_one_operation(loss: Callable[..., Tensor]) -> None:
    before = trace(loss, torch.randn(N, C, dtype=torch.float64), _probabilities(N, C), names=["z", "p"])
    after = fuse_softmax_cross_entropy(before).after
    assert "cross_entropy_loss" not in _names(after)
    assert "softmax" not in _names(after)
    assert "log_softmax" in _names(after)
    torch.testing.assert_close(
        after.evaluate()[after.outputs[0]], before.evaluate()[before.outputs[0]], rtol=1e-6, atol=1e-6
    )


def test_what_no_gradient_flows_through_is_not_made_to_let_it() -> None:
    def loss(z: Tensor, p: Tensor) -> Tensor:
        with torch.no_grad():
            log_q = F.softmax(z, 1).log()
        return -(p * log_q).sum(1).mean() + z.sum()

    z, p = torch.randn(N, C), torch.rand(N, C)
    after = fuse_softmax_cross_entropy(trace(loss, z, p)).after
    assert torch.equal(after.reverse_mode()["z"], torch.ones(N, C))

    def fixed_targets(z: Tensor, p: Tensor) -> Tensor:
        with torch.no_grad():
            minus = -p
        return (minus * F.softmax(z, 1).log()).sum(1).mean()

    after = fuse_softmax_cross_entropy(trace(fixed_targets, z, p)).after
    assert "cross_entropy_loss" in _names(after)
    assert not after.reverse_mode()["p"].any()
