"""Gradient norms against torch.autograd.grad in float64."""

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from lens_cases import CASES, Case, cross_entropy
from torch import nn

import shinso
from shinso.lens import GradientFlow


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_norms_are_those_of_autograd_in_the_order_of_the_network(case: Case) -> None:
    network, inputs = case.build().double(), case.inputs()
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    torch.manual_seed(7)
    by_hand = torch.autograd.grad(cross_entropy(network, inputs), list(network.parameters()))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    with shinso.watch(network, optimizer, [GradientFlow()]) as watch, watch.step():
        torch.manual_seed(7)
        cross_entropy(network, inputs).backward()
        optimizer.step()
    steps, values, labels = watch.readings("gradient_norm")
    assert labels == tuple(name for name, _ in network.named_parameters())
    assert steps.tolist() == [1]
    np.testing.assert_allclose(values[0], [np.sqrt(np.square(g.numpy()).sum()) for g in by_hand], rtol=1e-10)


def test_gradients_are_read_as_the_optimizer_finds_them() -> None:
    """Clipped before, summed over two backward passes, and zeroed in place within the body."""
    layer = nn.Linear(3, 2, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with shinso.watch(layer, optimizer, [GradientFlow()]) as watch, watch.step():
        for _ in range(2):
            layer(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
    # The gradient of the sum of outputs is the input, in each of two rows, twice.
    np.testing.assert_allclose(watch.readings("gradient_norm").values, [[2 * np.sqrt(6)]], rtol=1e-6)
    with shinso.watch(layer, optimizer, [GradientFlow()]) as watch, watch.step():
        layer(torch.ones(1, 3)).sum().backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
        optimizer.step()
    np.testing.assert_allclose(watch.readings("gradient_norm").values, [[0.5]], rtol=1e-5)


class GradientEating(torch.optim.Optimizer):
    """Overwrites the gradients as it steps, as Muon's reference implementation does."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(parameter.grad.mul_(0.01))


def test_an_optimizer_that_overwrites_gradients_is_read_before_it_does() -> None:
    layer = nn.Linear(1, 1, bias=False)
    optimizer = GradientEating(layer.parameters())
    with shinso.watch(layer, optimizer, [GradientFlow()]) as watch, watch.step():
        layer(torch.full((1, 1), 3.0)).sum().backward()
        optimizer.step()
    assert watch.readings("gradient_norm").values.tolist() == [[3.0]]


def test_a_closure_is_read_after_its_backward_pass() -> None:
    layer = nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.LBFGS(layer.parameters(), max_iter=1, lr=0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = layer(torch.full((1, 1), 3.0)).sum()
        loss.backward()
        return loss

    with shinso.watch(layer, optimizer, [GradientFlow()]) as watch, watch.step():
        optimizer.step(closure)
    assert watch.readings("gradient_norm").values.tolist() == [[3.0]]


def test_a_parameter_without_gradient_reads_as_nan() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    network[0].requires_grad_(False)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    with shinso.watch(network, optimizer, [GradientFlow()]) as watch, watch.step():
        network(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    values = watch.readings("gradient_norm").values[0]
    assert np.isnan(values[0])
    assert values[1] > 0


def test_norms_of_half_precision_gradients_do_not_overflow() -> None:
    layer = nn.Linear(2, 1, bias=False, dtype=torch.float16)
    layer.weight.grad = torch.full((1, 2), 60_000.0, dtype=torch.float16)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.0)
    with shinso.watch(layer, optimizer, [GradientFlow()]) as watch, watch.step():
        optimizer.step()
    # Above 65504, the largest number of half precision.
    np.testing.assert_allclose(watch.readings("gradient_norm").values, [[60_000 * np.sqrt(2)]], rtol=1e-3)


def test_sparse_gradients_have_the_norm_of_their_sum() -> None:
    embedding = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SGD(embedding.parameters(), lr=0.1)
    with shinso.watch(embedding, optimizer, [GradientFlow()]) as watch, watch.step():
        embedding(torch.tensor([1, 1, 3])).sum().backward()
        optimizer.step()
    # Rows 1 and 3 have gradients (2, 2) and (1, 1).
    np.testing.assert_allclose(watch.readings("gradient_norm").values, [[np.sqrt(10)]], rtol=1e-6)


def test_without_an_optimizer_gradients_are_read_at_the_end_of_the_body() -> None:
    layer = nn.Linear(1, 1, bias=False)
    with shinso.watch(layer, None, [GradientFlow()]) as watch, watch.step():
        layer(torch.full((1, 1), 4.0)).sum().backward()
    assert watch.readings("gradient_norm").values.tolist() == [[4.0]]
