"""Binary cross-entropy from logits equals the plain form where that works, and is right where it fails."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from shinso.graph import trace
from shinso.graph._graph import Graph
from shinso.graph.rewriting._sigmoid_cross_entropy import fuse_sigmoid_cross_entropy

LOSSES: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], list[str]]] = {
    "binary_cross_entropy": (
        lambda z, p: F.binary_cross_entropy(torch.sigmoid(z), p),
        ["binary_cross_entropy_with_logits"],
    ),
    "weighted, each": (
        lambda z, p: F.binary_cross_entropy(
            torch.sigmoid(z), p, weight=torch.arange(1.0, 5, dtype=p.dtype), reduction="none"
        ),
        ["arange", "expand", "binary_cross_entropy_with_logits"],
    ),
    "summed": (
        lambda z, p: F.binary_cross_entropy(z.sigmoid(), p, reduction="sum"),
        ["binary_cross_entropy_with_logits"],
    ),
    "the lecture's form": (
        lambda z, p: (-p * torch.log(torch.sigmoid(z)) - (1 - p) * torch.log(1 - torch.sigmoid(z))).sum(),
        ["neg", "log_sigmoid", "mul", "rsub", "neg", "log_sigmoid", "mul", "sub", "sum"],
    ),
}


def _names(graph: Graph) -> list[str]:
    return [node.name for node in graph.operations]


@pytest.mark.parametrize(("loss", "names"), LOSSES.values(), ids=LOSSES)
def test_values_and_adjoints_are_equal(loss: Callable[..., Tensor], names: list[str]) -> None:
    z, p = torch.randn(3, 4, dtype=torch.float64), torch.rand(3, 4, dtype=torch.float64)
    before = trace(loss, z, p, names=["z", "p"])
    after = fuse_sigmoid_cross_entropy(before).after
    assert _names(after) == names
    ours, plain = after.evaluate()[after.outputs[0]], before.evaluate()[before.outputs[0]]
    torch.testing.assert_close(ours, plain, rtol=1e-12, atol=1e-12)
    adjoint = torch.rand_like(ours)
    torch.testing.assert_close(after.reverse_mode(adjoint)["z"], before.reverse_mode(adjoint)["z"])


@pytest.mark.parametrize("name", ["summed", "the lecture's form"])
def test_large_logits_break_the_plain_form_and_not_this_one(name: str) -> None:
    z, p = torch.tensor([1000.0, -1000.0, 300.0]), torch.tensor([0.0, 1.0, 0.5])
    before = trace(LOSSES[name][0], z, p, names=["z", "p"])
    fused = fuse_sigmoid_cross_entropy(before).after.reverse_mode()
    assert before.reverse_mode().value != fused.value
    assert fused.value == 1000 + 1000 + 150
    torch.testing.assert_close(fused["z"], torch.sigmoid(z) - p)


def test_the_places_are_told_apart() -> None:
    rewriting = fuse_sigmoid_cross_entropy(trace(LOSSES["the lecture's form"][0], torch.ones(2), torch.ones(2)))
    assert [place.pattern for place in rewriting.places] == [
        "the logarithm of a sigmoid",
        "the logarithm of 1 minus a sigmoid",
    ]


@pytest.mark.parametrize(
    "function",
    [
        lambda z: torch.log(2 - torch.sigmoid(z)),
        lambda z: torch.log(torch.sigmoid(z) - 1 + 2),
        lambda z: torch.log(torch.rsub(torch.sigmoid(z), 1, alpha=0.5)),
        lambda z: torch.sigmoid(z).log2(),
        lambda z: F.binary_cross_entropy(torch.tanh(z).abs(), z.sigmoid()),
    ],
)
def test_other_functions_stay_as_they_are(function: Callable[[Tensor], Tensor]) -> None:
    assert fuse_sigmoid_cross_entropy(trace(function, torch.ones(2))).places == ()
