"""What comes back is the pruned network with shared weights, to the bit; and the bytes are near their entropy."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy
from torch import nn
from torch.nn.utils import prune

from shinso.models import build
from shinso.nn.compression import Compressed, compress, share_weights, state_bytes, with_plain_weights
from shinso.nn.compression.deep_compression import _joined, _split


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(256, 100)
    )


def pruned_and_shared(net: nn.Module, bits: int, sparsity: float) -> dict[str, torch.Tensor]:
    """By torch's pruning and our sharing, each tested on its own."""
    for layer in (net[0], net[5]):
        prune.l1_unstructured(layer, "weight", sparsity)
        prune.remove(layer, "weight")
    return with_plain_weights(share_weights(net, bits)).state_dict()


@pytest.mark.parametrize(("bits", "sparsity"), [(6, 0.67), (1, 0.0), (8, 0.0), (4, 0.99)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_what_comes_back_is_pruned_and_shared(bits: int, sparsity: float, dtype: torch.dtype) -> None:
    net = network().to(dtype)
    state = compress(net, bits=bits, sparsity=sparsity).decompress()
    expected = pruned_and_shared(net, bits, sparsity)
    assert set(state) == set(expected)
    for name, value in expected.items():
        assert state[name].dtype == value.dtype
        assert torch.equal(state[name], value)
    network().to(dtype).load_state_dict(state)


def test_compressing_again_changes_nothing() -> None:
    first = compress(network(), bits=5, sparsity=0.8)
    net = network()
    net.load_state_dict(first.decompress())
    assert compress(net, bits=5) == first
    assert compress(share_weights(net, 5), bits=5).decompress().keys() == first.decompress().keys()


def test_the_bytes_are_near_the_entropy_of_what_they_say() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(600, 500, bias=False)
    compressed = compress(layer, bits=4, sparsity=0.7)
    flat = compressed.decompress()["weight"].flatten().numpy()
    used = np.flatnonzero(flat)
    least = sum(
        len(used) * float(entropy(np.unique(symbols, return_counts=True)[1], base=2))
        for symbols in (flat[used], np.diff(used, prepend=-1) - 1)
    )
    assert least / 8 < len(compressed.bytes) < least / 8 * 1.02 + 500


def test_squeezenet_is_below_a_megabyte_with_the_paper_s_settings() -> None:
    torch.manual_seed(0)
    net = build("squeezenet1_1")
    compressed = compress(net, bits=6, sparsity=0.67)
    assert state_bytes(net) > 4_900_000
    assert len(compressed.bytes) < 500_000
    weight = compressed.decompress()["fire9.expand.expand3x3.weight"]
    assert float((weight != 0).double().mean()) == pytest.approx(0.33, abs=0.001)
    assert len(weight.unique()) == 65


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.5, -1.25, 3.0]), min_size=1, max_size=400),
    st.integers(0, 200),
)
def test_any_pattern_of_zeros_comes_back(values: list[float], zeros: int) -> None:
    layer = nn.Linear(len(values) + 2 * zeros, 1, bias=False)
    weight = torch.tensor([[0.0] * zeros + values + [0.0] * zeros])
    layer.weight = nn.Parameter(weight)
    assert torch.equal(compress(layer, bits=2).decompress()["weight"], weight)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=50))
def test_long_runs_are_split_and_joined(gaps: list[int]) -> None:
    numbers = _split(np.array(gaps, np.int64))
    assert ((numbers >= 0) & (numbers <= 63)).all()
    assert _joined(numbers).tolist() == gaps


def test_tensors_that_are_no_weights_stay_to_the_bit() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("flags", torch.tensor([[True, False], [False, True]]))
            self.register_buffer("empty", torch.zeros(0, 3))
            self.register_buffer("count", torch.tensor(7))
            self.register_buffer("waves", torch.tensor([[1 + 2j]]))
            self.scale = nn.Parameter(torch.tensor([0.1, torch.nan, torch.inf]))

    net = Mixed()
    state = compress(net).decompress()
    for name, value in net.state_dict().items():
        assert state[name].shape == value.shape
        assert state[name].dtype == value.dtype
        torch.testing.assert_close(state[name], value, rtol=0, atol=0, equal_nan=True)


def test_the_network_itself_stays() -> None:
    net = network()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    compress(net, bits=2, sparsity=0.9)
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in before.items())


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="bits must be from 1 to 8; got 9"):
        compress(network(), bits=9)
    for sparsity in (-0.1, 1.0):
        with pytest.raises(ValueError, match=f"from 0 to below 1; got {sparsity}"):
            compress(network(), sparsity=sparsity)
    net = network()
    nn.init.constant_(net[5].weight, torch.nan)
    with pytest.raises(ValueError, match="a weight is not finite"):
        compress(net)


def test_damaged_bytes_are_refused() -> None:
    data = compress(network()).bytes
    with pytest.raises(ValueError, match=r"not a network compressed by shinso; they begin with b'PK\\x03'"):
        Compressed(b"PK\x03").decompress()
    for damaged in (data[:-1], data + b"x", data[:20], data[:30] + b"xxxx" + data[34:], data[:-9] + b"x" + data[-8:]):
        with pytest.raises(ValueError, match="damaged or cut off: its checksum is another"):
            Compressed(damaged).decompress()
