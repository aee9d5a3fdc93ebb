"""Algorithm 1 and the six equations: against torch, loops, automatic and numerical derivatives, in float64."""

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.normalization import batch_normalize, batch_normalize_backward

CASES = {
    "dense": ((6, 3), (0,)),
    "sequence": ((4, 3, 5), (0, 2)),
    "convolutional": ((3, 4, 5, 2), (0, 2, 3)),
    "volume": ((2, 3, 2, 3, 2), (0, 2, 3, 4)),
    "channels last": ((3, 5, 2, 4), (0, -2, -3)),
    "position by position": ((6, 2, 3), (0,)),
}


def case(name: str) -> tuple[Tensor, Tensor, Tensor, Tensor, tuple[int, ...]]:
    """Input, weight, bias, the derivative that comes back, and the axes."""
    shape, dim = CASES[name]
    generator = torch.Generator().manual_seed(0)
    averaged = {axis % len(shape) for axis in dim}
    kept = [size for axis, size in enumerate(shape) if axis not in averaged]
    x, gradient = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
    weight, bias = (torch.rand(kept, generator=generator, dtype=torch.float64) + 0.5 for _ in range(2))
    return 2 * x + 3, weight, bias, gradient, dim


def test_forward_is_algorithm_1_written_out() -> None:
    x, weight, bias, _, dim = case("dense")
    m = len(x)
    expected = torch.empty_like(x)
    for k in range(x.shape[1]):
        mean = sum(x[i, k] for i in range(m)) / m
        variance = sum((x[i, k] - mean) ** 2 for i in range(m)) / m
        for i in range(m):
            expected[i, k] = weight[k] * (x[i, k] - mean) / (variance + 1e-5) ** 0.5 + bias[k]
    torch.testing.assert_close(batch_normalize(x, weight, bias, dim), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ["dense", "sequence", "convolutional", "volume"])
def test_both_ways_equal_torch(name: str) -> None:
    x, weight, bias, gradient, dim = case(name)
    leaves = [value.clone().requires_grad_() for value in (x, weight, bias)]
    expected = nn.functional.batch_norm(leaves[0], None, None, leaves[1], leaves[2], training=True, eps=1e-3)
    torch.testing.assert_close(batch_normalize(x, weight, bias, dim, 1e-3), expected, rtol=1e-10, atol=1e-10)
    expected.backward(gradient)
    for ours, leaf in zip(batch_normalize_backward(gradient, x, weight, dim, 1e-3), leaves, strict=True):
        torch.testing.assert_close(ours, leaf.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_backward_is_what_automatic_differentiation_makes_of_forward(name: str) -> None:
    x, weight, bias, gradient, dim = case(name)
    leaves = [value.clone().requires_grad_() for value in (x, weight, bias)]
    batch_normalize(*leaves, dim).backward(gradient)
    for ours, leaf in zip(batch_normalize_backward(gradient, x, weight, dim), leaves, strict=True):
        torch.testing.assert_close(ours, leaf.grad, rtol=1e-10, atol=1e-10)


def test_backward_is_differentiable() -> None:
    x, weight, _, gradient, dim = case("convolutional")
    leaves = [value[:2, :2].clone().requires_grad_() for value in (gradient, x)] + [weight[:2].clone().requires_grad_()]
    assert torch.autograd.gradcheck(lambda g, x, w: tuple(batch_normalize_backward(g, x, w, dim)), leaves)


def test_the_derivatives_by_a_set_add_up_to_nothing() -> None:
    x, weight, _, gradient, dim = case("convolutional")
    by_x = batch_normalize_backward(gradient, x, weight, dim).x
    torch.testing.assert_close(by_x.sum(dim), torch.zeros(4, dtype=torch.float64), rtol=0, atol=1e-12)
