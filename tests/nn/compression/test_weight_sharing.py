"""Shared weights: few values, zeros kept, and the derivatives of equation 3."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from shinso.nn.compression import share_weights, with_plain_weights
from shinso.nn.compression.k_means import cluster, nearest


def pruned(layer: nn.Module) -> nn.Module:
    prune.l1_unstructured(layer, "weight", 0.5)
    prune.remove(layer, "weight")
    return layer


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_each_weight_is_its_centre_and_zeros_stay(bits: int) -> None:
    torch.manual_seed(0)
    layer = pruned(nn.Linear(60, 40).double())
    shared = share_weights(layer, bits)
    flat = layer.weight.detach().flatten().numpy()
    centres = cluster(flat[flat != 0], 2**bits)
    expected = torch.zeros(2400, dtype=torch.float64)
    expected[torch.from_numpy(flat != 0)] = torch.from_numpy(centres[nearest(flat[flat != 0], centres)])
    torch.testing.assert_close(shared.weight.flatten(), expected, rtol=0, atol=0)
    assert int((shared.weight == 0).sum()) == 1200
    assert len(shared.weight.unique()) <= 2**bits + 1


def test_the_derivative_by_a_value_is_the_sum_over_its_weights() -> None:
    torch.manual_seed(0)
    layer = pruned(nn.Conv2d(3, 8, 3).double())
    shared = share_weights(layer, 2)
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    plain = with_plain_weights(shared)
    for module in (shared, plain):
        module(x).square().sum().backward()
    values = shared.parametrizations.weight.original
    expected = torch.stack([plain.weight.grad[plain.weight == value].sum() for value in values])
    assert len(values) == 4
    torch.testing.assert_close(values.grad, expected, rtol=1e-10, atol=1e-10)


def test_training_moves_the_values_and_never_the_zeros() -> None:
    torch.manual_seed(0)
    shared = share_weights(pruned(nn.Linear(20, 10)), 3)
    zeros = shared.weight == 0
    before = shared.weight.detach().clone()
    optimizer = torch.optim.SGD(shared.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        shared(torch.randn(16, 20)).square().mean().backward()
        optimizer.step()
    assert not torch.equal(shared.weight, before)
    assert torch.equal(shared.weight == 0, zeros)
    assert len(shared.weight.unique()) == 9


def test_few_values_are_kept_exactly_and_an_empty_layer_stays_empty() -> None:
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.1, 0.0, -0.7], [0.1, 0.3, -0.7]]))
    torch.testing.assert_close(share_weights(layer, 2).weight, layer.weight, rtol=0, atol=0)
    nn.init.zeros_(layer.weight)
    torch.testing.assert_close(share_weights(layer, 2).weight, layer.weight, rtol=0, atol=0)


def test_a_layer_that_is_still_being_pruned_is_refused() -> None:
    layer = prune.l1_unstructured(nn.Linear(3, 2), "weight", 0.5)
    for function in (lambda net: share_weights(net, 2), with_plain_weights):
        with pytest.raises(ValueError, match=r"weight of 0 is no parameter, but computed by a hook: .*prune.remove"):
            function(nn.Sequential(layer))


def test_wrong_arguments_are_refused() -> None:
    for bits in (0, 9):
        with pytest.raises(ValueError, match=f"bits must be from 1 to 8; got {bits}"):
            share_weights(nn.Linear(2, 2), bits)
    layer = nn.Linear(2, 2)
    nn.init.constant_(layer.weight, torch.inf)
    with pytest.raises(ValueError, match="not finite; its values cannot be shared"):
        share_weights(layer, 2)
