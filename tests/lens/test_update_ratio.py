"""Update ratios against the closed form of gradient descent."""

import numpy as np
import pytest
import torch
from lens_cases import CASES, Case, cross_entropy
from torch import nn

import shinso
from shinso.lens import UpdateRatio


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_gradient_descent_moves_by_the_learning_rate_times_the_gradient(case: Case) -> None:
    network, inputs = case.build().double(), case.inputs()
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    sizes = [np.linalg.norm(parameter.detach().numpy()) for parameter in network.parameters()]
    with shinso.watch(network, optimizer, [UpdateRatio()]) as watch, watch.step():
        cross_entropy(network, inputs).backward()
        optimizer.step()
    gradients = [np.linalg.norm(parameter.grad.numpy()) for parameter in network.parameters()]
    expected = [0.1 * g / size if size else np.nan for g, size in zip(gradients, sizes, strict=True)]
    steps, values, labels = watch.readings("update_ratio")
    assert steps.tolist() == [1]
    assert labels == tuple(name for name, _ in network.named_parameters())
    np.testing.assert_allclose(values[0], expected, rtol=1e-8, atol=1e-14)


def test_an_update_by_hand_counts_without_an_optimizer() -> None:
    layer = nn.Linear(2, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    with shinso.watch(layer, None, [UpdateRatio()]) as watch, watch.step(), torch.no_grad():
        layer.weight.mul_(1.25)
    assert watch.readings("update_ratio").values.tolist() == [[0.25]]


def test_a_step_that_changes_nothing_reads_zero_and_a_zero_tensor_reads_nan() -> None:
    layer = nn.Linear(2, 1)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.0)
    with shinso.watch(layer, optimizer, [UpdateRatio()]) as watch, watch.step():
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    np.testing.assert_equal(watch.readings("update_ratio").values, np.array([[0, np.nan]], np.float32))
