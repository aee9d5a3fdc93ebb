"""What is counted of storing and recomputing, on layers where it is known."""

import re

import pytest
import torch
from torch import Tensor, nn

from shinso.graph.running._compare_recomputation import compare_recomputation


class _ScaledExp(nn.Module):
    """Keeps exp's result, as exp does for its derivative and multiplication for that of the scale."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(-x.abs()) * self.scale


def test_what_is_kept_is_known_to_the_byte() -> None:
    size = 1000 * 4
    comparison = compare_recomputation([_ScaledExp() for _ in range(4)], torch.ones(1000), segments=[2, 4], rounds=1)
    stored, two, four, start = comparison.ways
    # The first layer's input needs no gradient: its exp keeps nothing, the product exp's result. Each layer after it
    # keeps its input for the derivative of abs, and exp's result, which is kept once for exp and product.
    assert stored.saved_bytes == size + 3 * 2 * size
    # Of two segments the second keeps 2 layers of 2 values; its input is the first segment's output.
    assert two.saved_bytes == 2 * 2 * size
    # The inputs of segments 2 and 3, and the last layer's two values.
    assert four.saved_bytes == 2 * size + 2 * size
    assert start.saved_bytes == 2 * size
    assert [way.layer_runs for way in comparison.ways] == [4, 6, 7, 10]
    assert stored.peak_bytes > four.peak_bytes
    assert stored.peak_bytes >= stored.saved_bytes
    assert all(way.difference == 0 for way in comparison.ways)


def test_ways_are_named_and_shown() -> None:
    comparison = compare_recomputation(nn.Sequential(*[nn.Linear(3, 3) for _ in range(9)]), torch.ones(2, 3), rounds=1)
    assert [way.name for way in comparison.ways] == [
        "store all (6.52)",
        "recompute in 2 segments",
        "recompute in 3 segments",
        "recompute in 9 segments",
        "recompute from the start (6.53)",
    ]
    lines = str(comparison).splitlines()
    assert re.split("  +", lines[0]) == [
        "way",
        *["layer runs", "time", "to stored", "kept", "to stored", "peak", "difference"],
    ]
    assert lines[2].startswith("store all (6.52)                 9 ")


def test_a_wrong_gradient_would_be_seen() -> None:
    class Counting(nn.Linear):
        """Differs from run to run."""

        def forward(self, x: Tensor) -> Tensor:
            self.runs = getattr(self, "runs", 0) + 1
            return super().forward(x) * self.runs

    comparison = compare_recomputation([Counting(2, 2), Counting(2, 2)], torch.ones(3, 2), segments=[2], rounds=1)
    assert comparison.ways[1].difference > 0


def test_the_network_the_random_state_and_gradients_stay_as_they_are() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = torch.randn(8, 4)
    state = torch.get_rng_state()
    comparison = compare_recomputation(network, x, rounds=1)
    assert all(way.difference == 0 for way in comparison.ways)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(not part._forward_pre_hooks for part in network)


def test_what_cannot_be_recomputed_is_refused() -> None:
    with pytest.raises(ValueError, match="1 layers with 2 parameters to learn; recomputing needs two layers or more"):
        compare_recomputation([nn.Linear(2, 2)], torch.ones(2))
    with pytest.raises(ValueError, match="2 layers with 0 parameters to learn"):
        compare_recomputation([nn.Tanh(), nn.Tanh()], torch.ones(2))
    with pytest.raises(ValueError, match="2 layers can be recomputed in 2 to 2 segments; got 3"):
        compare_recomputation([nn.Linear(2, 2), nn.Tanh()], torch.ones(2), segments=[3])
