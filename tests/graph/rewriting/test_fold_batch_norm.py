"""Folded networks give what the module gives, to 1e-6 in single precision."""

import pytest
import torch
from torch import Tensor, nn

from shinso.graph import trace
from shinso.graph._graph import Graph
from shinso.graph.rewriting._fold_batch_norm import fold_batch_norm
from shinso.graph.running._running import compile_graph


def _as_if_trained(network: nn.Module, seed: int = 0) -> nn.Module:
    """In evaluation mode, with statistics and scales far from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    for part in network.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            for tensor, low, high in ((part.running_mean, -2, 2), (part.running_var, 0.1, 5)):
                tensor.uniform_(low, high, generator=generator)
            if part.affine:
                nn.init.uniform_(part.weight, -1.5, 1.5, generator=generator)
                nn.init.uniform_(part.bias, -1, 1, generator=generator)
    return network.eval()


def _names(graph: Graph) -> list[str]:
    return [node.name for node in graph.operations]


def _largest_difference(network: nn.Module, graph: Graph, x: Tensor) -> float:
    """Relative to the largest entry."""
    with torch.no_grad():
        expected = network(x)
        return float((compile_graph(graph)(x) - expected).abs().max() / expected.abs().max())


CASES: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "conv1d": (nn.Sequential(nn.Conv1d(8, 6, 3), nn.BatchNorm1d(6)), (4, 8, 16)),
    "conv2d": (nn.Sequential(nn.Conv2d(8, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6)), (4, 8, 12, 12)),
    "conv3d": (nn.Sequential(nn.Conv3d(2, 3, 3), nn.BatchNorm3d(3)), (2, 2, 5, 5, 5)),
    "no bias": (nn.Sequential(nn.Conv2d(8, 6, 3, bias=False), nn.BatchNorm2d(6)), (4, 8, 12, 12)),
    "grouped, same padding": (
        nn.Sequential(nn.Conv2d(8, 8, 3, groups=4, padding="same"), nn.BatchNorm2d(8)),
        (4, 8, 6, 6),
    ),
    "dilated, reflected": (
        nn.Sequential(nn.Conv2d(4, 6, 3, dilation=2, padding=2, padding_mode="reflect"), nn.BatchNorm2d(6)),
        (2, 4, 8, 8),
    ),
    "no scale": (nn.Sequential(nn.Conv2d(8, 6, 3), nn.BatchNorm2d(6, affine=False, eps=0.1)), (4, 8, 12, 12)),
    "linear": (nn.Sequential(nn.Linear(20, 6), nn.BatchNorm1d(6)), (5, 20)),
}


@pytest.mark.parametrize(("network", "shape"), CASES.values(), ids=CASES)
def test_one_layer(network: nn.Module, shape: tuple[int, ...]) -> None:
    network, x = _as_if_trained(network), torch.randn(shape)
    before = trace(network, x)
    rewriting = fold_batch_norm(before)
    assert "batch_norm" not in _names(rewriting.after)
    assert len(rewriting.places) == 1
    assert len(_names(rewriting.after)) == len(_names(before)) - 1
    assert _largest_difference(network, rewriting.after, x) < 1e-6


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))).relu()


def test_a_residual_network_keeps_its_names_and_order() -> None:
    network = _as_if_trained(
        nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), _Block(8), _Block(8), nn.Flatten(), nn.Linear(288, 5)
        )
    )
    x = torch.randn(4, 3, 8, 8)
    state = {name: value.clone() for name, value in network.state_dict().items()}
    rewriting = fold_batch_norm(trace(network, x))
    after = rewriting.after
    assert _names(after) == [
        "conv2d", "relu", "conv2d", "relu", "conv2d", "add", "relu", "conv2d", "relu", "conv2d", "add", "relu",
        "flatten", "linear",
    ]  # fmt: skip
    assert [place.before[0].module for place in rewriting.places] == ["0", "3.conv1", "3.conv2", "4.conv1", "4.conv2"]
    assert [node.name for node in after.nodes if node.number <= 0][:5] == [
        "input", "6.weight", "6.bias", "0.weight_folded", "0.bias_folded",
    ]  # fmt: skip
    assert "4.conv2.bias_folded" in {node.name for node in after.parameters}
    assert after["v3"].module == "3.conv1"
    assert _largest_difference(network, after, x) < 1e-6
    assert all(torch.equal(state[name], value) for name, value in network.state_dict().items())


def test_it_is_exact_in_double_precision_and_adjoints_are_equal() -> None:
    network = _as_if_trained(CASES["conv2d"][0]).double()
    x = torch.randn(2, 8, 12, 12, dtype=torch.float64)
    before = trace(network, x)
    after = fold_batch_norm(before).after
    adjoint = torch.randn(after.outputs[0].spec.shape, dtype=torch.float64)
    torch.testing.assert_close(
        after.reverse_mode(adjoint)["input"], before.reverse_mode(adjoint)["input"], rtol=1e-12, atol=1e-12
    )
    network.float()


class _Elsewhere(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return self.norm(y) + y


class _Returned(_Elsewhere):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.conv(x)
        return self.norm(y), y


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)).eval(), (2, 2, 3, 3)),
        (nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)).train(), (2, 2, 3, 3)),
        (nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2, track_running_stats=False)).eval(), (2, 2, 3, 3)),
        (nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(2)).eval(), (4, 2, 3)),
        (_Elsewhere().eval(), (2, 2, 3, 3)),
        (_Returned().eval(), (2, 2, 3, 3)),
    ],
    ids=["relu between", "training", "no statistics", "another axis", "used elsewhere", "returned"],
)
def test_what_cannot_be_folded_is_left_alone(network: nn.Module, shape: tuple[int, ...]) -> None:
    graph = trace(network, torch.randn(shape))
    assert fold_batch_norm(graph).after is graph


def test_a_weight_that_another_layer_shares_stays_for_it() -> None:
    first, second = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
    second.weight = first.weight
    network = _as_if_trained(nn.Sequential(first, nn.BatchNorm2d(2), second))
    x = torch.randn(3, 2, 4, 4)
    after = fold_batch_norm(trace(network, x)).after
    assert {"0.weight", "0.weight_folded"} <= {node.name for node in after.parameters}
    assert _largest_difference(network, after, x) < 1e-6


def test_a_weight_that_is_computed_or_given_is_left_alone() -> None:
    norm = nn.BatchNorm2d(2).eval()

    def function(x: Tensor, weight: Tensor) -> Tensor:
        return norm(nn.functional.conv2d(x, weight))

    graph = trace(function, torch.randn(1, 2, 3, 3), torch.randn(2, 2, 1, 1))
    assert fold_batch_norm(graph).places == ()
