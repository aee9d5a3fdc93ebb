"""Low rank against numpy's singular value decomposition and the theorem of Eckart and Young."""

import numpy as np
import pytest
import torch
from torch import nn

from shinso.nn.compression import LowRankLinear, low_rank_conv2d, low_rank_linear


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_the_error_is_the_singular_values_left_out(rank: int) -> None:
    torch.manual_seed(0)
    linear = nn.Linear(7, 5).double()
    low = low_rank_linear(linear, rank)
    product = (low[1].weight @ low[0].weight).detach()
    values = np.linalg.svd(linear.weight.detach().numpy(), compute_uv=False)
    error = float((product - linear.weight).norm().detach())
    assert error == pytest.approx(float(np.sqrt((values[rank:] ** 2).sum())), abs=1e-12)
    assert np.linalg.matrix_rank(product.numpy()) == rank
    x = torch.randn(2, 4, 7, dtype=torch.float64)
    torch.testing.assert_close(low(x), x @ product.T + linear.bias, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_full_rank_is_the_same_convolution(bias: bool) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(
        3, 6, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), bias=bias, padding_mode="circular"
    ).double()
    x = torch.randn(2, 3, 8, 7, dtype=torch.float64)
    torch.testing.assert_close(low_rank_conv2d(conv, 6)(x), conv(x), rtol=1e-12, atol=1e-12)


def test_a_convolution_loses_the_singular_values_left_out() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 6, 3, bias=False).double()
    low = low_rank_conv2d(conv, 2)
    weight = torch.einsum("or,rihw->oihw", low[1].weight[:, :, 0, 0], low[0].weight)
    values = np.linalg.svd(conv.weight.detach().numpy().reshape(6, -1), compute_uv=False)
    error = float((weight - conv.weight).norm().detach())
    assert error == pytest.approx(float(np.sqrt((values[2:] ** 2).sum())), abs=1e-12)


def test_fresh_outputs_have_the_variance_of_a_linear_layers() -> None:
    torch.manual_seed(0)
    x = torch.randn(512, 200)
    low, full = LowRankLinear(200, 300, 20, bias=False)(x), nn.Linear(200, 300, bias=False)(x)
    assert float(low.detach().var() / full.detach().var()) == pytest.approx(1, abs=0.15)


def test_size_type_and_derivatives() -> None:
    layer = LowRankLinear(20, 30, 4)
    assert sum(p.numel() for p in layer.parameters()) == (20 + 30) * 4 + 30
    assert low_rank_linear(nn.Linear(4, 4).bfloat16(), 2)[0].weight.dtype == torch.bfloat16
    x = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(low_rank_linear(nn.Linear(4, 3).double(), 2), x)


def test_ranks_and_groups_that_cannot_be_are_refused() -> None:
    for rank in (0, 6):
        with pytest.raises(ValueError, match=f"rank of a 5×7 weight is from 1 to 5; got {rank}"):
            LowRankLinear(7, 5, rank)
    with pytest.raises(ValueError, match="rank of a 8×9 weight is from 1 to 8; got 9"):
        low_rank_conv2d(nn.Conv2d(1, 8, 3), 9)
    with pytest.raises(ValueError, match="got groups=2"):
        low_rank_conv2d(nn.Conv2d(4, 4, 3, groups=2), 2)
