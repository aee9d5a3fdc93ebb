"""Which outputs are seen, under which names, along which axis."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from shinso.lens._capture import capture


def seen(network: nn.Module, *inputs: Tensor) -> list[tuple[str, int]]:
    """Name and number of units of each output that is seen."""
    found: list[tuple[str, int]] = []
    with capture(network, lambda layer, output, axis, flat: found.append((layer, output.shape[axis]))):
        network(*inputs)
    return found


class Block(nn.Module):
    """Calls functions under its own name."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.sigmoid(F.relu(self.linear(F.relu(inputs)))).relu()


def test_functions_go_by_the_module_that_calls_them_and_are_numbered() -> None:
    assert [name for name, _ in seen(nn.Sequential(Block()), torch.ones(2, 3))] == [
        "0.relu",
        "0.linear",
        "0.relu_2",
        "0.sigmoid",
        "0.relu_3",
    ]


class Twice(nn.Module):
    """Applies the same layer and the same activation again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.act = nn.Linear(3, 3), nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.act(self.layer(self.act(self.layer(inputs))))


def test_a_layer_that_runs_twice_keeps_its_name() -> None:
    assert [name for name, _ in seen(Twice(), torch.ones(2, 3))] == ["layer", "act"] * 2


OUTPUTS = {
    "dense": (nn.Linear(3, 5), (2, 3), ("Linear", 5)),
    "sequence": (nn.Linear(3, 5), (2, 7, 3), ("Linear", 5)),
    "image": (nn.Conv2d(3, 5, 1), (2, 3, 4, 4), ("Conv2d", 5)),
    "signal": (nn.Conv1d(3, 5, 1), (2, 3, 4), ("Conv1d", 5)),
    "volume": (nn.Conv3d(3, 5, 1), (2, 3, 4, 4, 4), ("Conv3d", 5)),
    "recurrent": (nn.LSTM(3, 5, batch_first=True), (2, 7, 3), ("LSTM", 5)),
    "normalised signal": (nn.BatchNorm1d(3), (2, 3, 7), ("BatchNorm1d", 3)),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_units_lie_along_the_channels_or_the_last_axis(name: str) -> None:
    layer, shape, expected = OUTPUTS[name]
    assert seen(layer, torch.randn(shape)) == [expected]


def test_an_activation_has_its_units_where_the_layer_before_has_them() -> None:
    assert seen(nn.Sequential(nn.Conv1d(3, 5, 1), nn.ReLU()), torch.ones(2, 3, 4)) == [("0", 5), ("1", 5)]
    assert seen(nn.Sequential(nn.Linear(3, 5), nn.ReLU()), torch.ones(2, 4, 3)) == [("0", 5), ("1", 5)]


def test_packed_sequences_are_seen() -> None:
    packed = nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(1, 2)])
    assert seen(nn.GRU(2, 5), packed) == [("GRU", 5)]


def test_a_parametrized_layer_is_one_layer() -> None:
    network = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 5, bias=False)))
    assert seen(network, torch.ones(2, 3)) == [("0", 5)]


def test_what_is_not_floating_point_or_is_empty_is_passed_over() -> None:
    assert seen(nn.Sequential(nn.Linear(3, 5), nn.ReLU()), torch.ones(0, 3)) == []


class Checkpointed(nn.Module):
    """Forgets the inside of its block and computes it again in the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.block, self.head = Block(), nn.Linear(3, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(checkpoint(self.block, inputs, use_reentrant=False))


def test_recomputation_stops_halfway_without_harm() -> None:
    network = Checkpointed()
    names = []
    with capture(network, lambda layer, output, axis, flat: names.append(layer)):
        network(torch.ones(2, 3)).sum().backward()
        network(torch.ones(2, 3)).sum().backward()
    assert set(names) == {"block.relu", "block.linear", "block.relu_2", "block.sigmoid", "block.relu_3", "head"}
    assert torch.overrides._get_current_function_mode() is None


class Failing(nn.Module):
    """Raises in the middle."""

    def forward(self, inputs: Tensor) -> Tensor:
        raise KeyError("from the network")


def test_a_forward_pass_that_fails_leaves_nothing_behind() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Sequential(Failing()))
    with pytest.raises(KeyError, match="from the network"):
        seen(network, torch.ones(2, 3))
    assert torch.overrides._get_current_function_mode() is None
    for module in network.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._forward_hooks_always_called


def test_inside_function_transforms_nothing_is_kept() -> None:
    network = Block()
    parameters = dict(network.named_parameters())

    def loss(parameters: dict[str, Tensor], example: Tensor) -> Tensor:
        return torch.func.functional_call(network, parameters, example).sum()

    kept: list[Tensor] = []
    with capture(network, lambda layer, output, axis, flat: kept.append(output)):
        per_example = torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, torch.ones(4, 3))
    assert per_example["linear.weight"].shape == (4, 3, 3)
    assert kept == []
