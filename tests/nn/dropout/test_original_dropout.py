"""Both conventions against each other, every mask enumerated, and the derivative that stops where x was stopped."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from shinso.nn.dropout import OriginalDropout


def masks(n: int, p: float) -> list[tuple[Tensor, float]]:
    """Every mask of n values and its probability, each value dropped with probability p."""
    every = itertools.product((0.0, 1.0), repeat=n)
    return [(torch.tensor(m, dtype=torch.float64), math.prod(1 - p if kept else p for kept in m)) for m in every]


@pytest.mark.parametrize("p", [0.0, 0.25, 0.9, 1.0])
def test_training_masks_and_evaluation_scales(p: float) -> None:
    torch.manual_seed(0)
    layer = OriginalDropout(p)
    x = torch.rand(20_000) + 1
    y = layer(x)
    assert ((y == 0) | (y == x)).all()
    assert float((y == 0).double().mean()) == pytest.approx(p, abs=0.01)
    torch.testing.assert_close(layer.eval()(x), x * (1 - p))


def test_torchs_outputs_are_these_divided_by_the_share_that_is_kept() -> None:
    x = torch.randn(50, 40, dtype=torch.float64)
    ours, torchs = OriginalDropout(0.3), nn.Dropout(0.3)
    torch.manual_seed(1)
    y = ours(x)
    torch.manual_seed(1)
    torch.testing.assert_close(torchs(x), y / 0.7)
    torch.testing.assert_close(torchs.eval()(x), ours.eval()(x) / 0.7)


def test_nothing_comes_back_where_nothing_went_through() -> None:
    torch.manual_seed(0)
    x = torch.rand(1000, dtype=torch.float64).add(1).requires_grad_()
    y = OriginalDropout(0.4)(x)
    gradient = torch.rand(1000, dtype=torch.float64) + 1
    y.backward(gradient)
    assert torch.equal(x.grad, gradient * (y != 0))
    assert 0 < int((x.grad == 0).sum()) < 1000


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_evaluation_of_a_linear_network_is_the_mean_over_all_masks(p: float) -> None:
    torch.manual_seed(0)
    first, last = nn.Linear(4, 6).double(), nn.Linear(6, 3).double()
    hidden = first(torch.randn(5, 4, dtype=torch.float64))
    mean = sum(probability * last(hidden * mask) for mask, probability in masks(6, p))
    torch.testing.assert_close(last(OriginalDropout(p).eval()(hidden)), mean, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_weight_scaling_is_exact_for_softmax_regression(p: float) -> None:
    """Its output is the renormalised geometric mean of those of all 2ⁿ masked networks (Goodfellow et al., 2013)."""
    torch.manual_seed(0)
    n = 7
    linear = nn.Linear(n, 4).double()
    x = torch.randn(5, n, dtype=torch.float64)
    outputs = [(linear(x * mask).softmax(-1), probability) for mask, probability in masks(n, p)]
    product = math.prod(output**probability for output, probability in outputs)
    geometric = product / product.sum(-1, keepdim=True)
    scaled = linear(OriginalDropout(p).eval()(x)).softmax(-1)
    torch.testing.assert_close(scaled, geometric, rtol=1e-12, atol=1e-12)
    arithmetic = sum(output * probability for output, probability in outputs)
    assert (scaled - arithmetic).abs().max() > 1e-3


def test_the_seed_decides_and_the_type_stays() -> None:
    x = torch.ones(3, 4, 5, dtype=torch.bfloat16)
    layer = OriginalDropout(0.5)
    torch.manual_seed(0)
    first, second = layer(x), layer(x)
    torch.manual_seed(0)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)
    assert first.dtype == layer.eval()(x).dtype == torch.bfloat16
    assert repr(layer) == "OriginalDropout(p=0.5)"


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_what_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=f"probability of being dropped, from 0 to 1; got {p}"):
        OriginalDropout(p)
