"""Hessian-vector products against the full Hessian by torch.func.hessian, in double precision."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from shinso.graph.derivatives._hessian_products import (
    DoubleBackward,
    ForwardOverReverse,
    hessian_product_by_double_backward,
    hessian_product_forward_over_reverse,
)

BOTH = pytest.mark.parametrize(
    "product", [hessian_product_by_double_backward, hessian_product_forward_over_reverse], ids=["double", "forward"]
)


@BOTH
@given(seed=st.integers(0, 99), size=st.integers(1, 6))
@settings(max_examples=15, deadline=None)
def test_of_a_flat_vector(product, seed: int, size: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x, v = torch.randn(2, size, generator=generator, dtype=torch.float64)
    matrix = torch.randn(size, size, generator=generator, dtype=torch.float64)

    def loss(x: Tensor) -> Tensor:
        return torch.tanh(matrix @ x).prod() + x @ matrix @ x

    torch.testing.assert_close(product(loss, x, v), torch.func.hessian(loss)(x) @ v, rtol=1e-10, atol=1e-12)


@BOTH
def test_of_nests_of_parameters(product) -> None:
    point = {"w": torch.randn(2, 3, dtype=torch.float64), "more": [torch.randn((), dtype=torch.float64)]}
    vector = {"w": torch.randn(2, 3, dtype=torch.float64), "more": [torch.randn((), dtype=torch.float64)]}

    def loss(p: dict) -> Tensor:
        return (p["w"].sin() * p["more"][0]).sum() ** 2 + p["more"][0].exp()

    def flat_loss(x: Tensor) -> Tensor:
        return loss({"w": x[:6].reshape(2, 3), "more": [x[6]]})

    flat = torch.cat([point["w"].flatten(), point["more"][0][None]])
    flat_vector = torch.cat([vector["w"].flatten(), vector["more"][0][None]])
    expected = torch.func.hessian(flat_loss)(flat) @ flat_vector
    nested = product(loss, point, vector)
    torch.testing.assert_close(nested["w"], expected[:6].reshape(2, 3))
    torch.testing.assert_close(nested["more"][0], expected[6])
    torch.testing.assert_close(product(loss, point, flat_vector), expected)


@BOTH
def test_of_a_linear_loss_is_zero(product) -> None:
    assert product(lambda p: p.sum() * 3, torch.ones(4), torch.ones(4)).tolist() == [0] * 4


@BOTH
def test_parameters_that_do_not_matter_have_zero(product) -> None:
    found = product(lambda p: (p[0] ** 3).sum(), [torch.ones(2), torch.ones(3)], torch.ones(5))
    assert found.tolist() == [6, 6, 0, 0, 0]


@BOTH
def test_of_attention_whose_fused_kernel_has_no_second_derivative(product) -> None:
    def loss(qkv: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(*qkv).sin().sum()

    def by_hand(qkv: Tensor) -> Tensor:
        q, k, v = qkv
        return (torch.softmax(q @ k.mT / 2, -1) @ v).sin().sum()

    point, vector = torch.randn(2, 3, 1, 2, 5, 4, dtype=torch.float64)
    expected = torch.func.jvp(torch.func.grad(by_hand), (point,), (vector,))[1]
    torch.testing.assert_close(product(loss, point, vector), expected)


@pytest.mark.parametrize("kind", [DoubleBackward, ForwardOverReverse])
def test_a_hessian_stays_that_of_its_point(kind) -> None:
    point = torch.ones(2)
    product = kind(lambda p: (p**3).sum(), point)
    point.fill_(5)
    assert product(torch.ones(2)).tolist() == [6, 6]
    assert product(torch.ones(2)).tolist() == [6, 6]
    assert not point.requires_grad
    assert not product(torch.ones(2)).requires_grad


def test_double_backward_runs_the_loss_once_for_all_products() -> None:
    runs = []
    product = DoubleBackward(lambda p: (runs.append(None), (p**4).sum())[1], torch.ones(2))
    product(torch.ones(2))
    product(torch.ones(2))
    assert len(runs) == 1


@BOTH
def test_what_has_no_hessian_is_refused(product) -> None:
    with pytest.raises(
        ValueError, match=r"the loss is of shape \(2,\); a Hessian needs a scalar: take its mean or sum"
    ):
        product(lambda p: p, torch.ones(2), torch.ones(2))
    with pytest.raises(ValueError, match="the loss is of type float"):
        product(lambda p: 1.0, torch.ones(2), torch.ones(2))
    with pytest.raises(
        ValueError, match=r"the vector has tensors of shapes \[\(3,\)\]; expected .* \[\(2,\)\], nested"
    ):
        product(lambda p: p.sum(), torch.ones(2), torch.ones(3))
    with pytest.raises(ValueError, match="there are no parameters; give a tensor, or a dict or list of them"):
        product(lambda p: p.sum(), {}, torch.ones(3))
    with pytest.raises(
        ValueError, match=r"a parameter is of type torch.int64; derivatives need tensors of real numbers"
    ):
        product(lambda p: p.sum(), torch.ones(3, dtype=torch.int64), torch.ones(3))
