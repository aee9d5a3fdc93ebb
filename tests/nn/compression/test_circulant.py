"""Circulant layers against scipy's circulant matrices."""

import numpy as np
import pytest
import torch
from scipy.linalg import circulant
from torch import nn

from shinso.nn.compression import CirculantLinear

SHAPES = [(6, 6, None, 6), (5, 5, None, 5), (6, 4, None, 2), (8, 12, 2, 2), (3, 7, None, 1), (9, 3, 3, 3)]


@pytest.mark.parametrize(("inputs", "outputs", "given", "size"), SHAPES)
def test_it_multiplies_by_a_matrix_of_circulant_blocks(inputs: int, outputs: int, given: int | None, size: int) -> None:
    torch.manual_seed(0)
    layer = CirculantLinear(inputs, outputs, block_size=given).double()
    assert layer.block_size == size
    assert layer.weight.numel() == inputs * outputs // size
    matrix = np.block([[circulant(block) for block in row] for row in layer.weight.detach().numpy()])
    np.testing.assert_array_equal(layer.dense_weight().detach().numpy(), matrix)
    x = torch.randn(2, 3, inputs, dtype=torch.float64)
    expected = nn.functional.linear(x, torch.from_numpy(matrix), layer.bias)
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(layer(x[0, 0]), expected[0, 0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_derivatives(bias: bool) -> None:
    torch.manual_seed(0)
    layer = CirculantLinear(4, 6, bias).double()
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    parameters = dict(layer.named_parameters())
    assert len(parameters) == 1 + bias
    assert torch.autograd.gradcheck(
        lambda x, *values: torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x,)),
        (x, *parameters.values()),
    )


def test_bfloat16() -> None:
    torch.manual_seed(0)
    layer, x = CirculantLinear(8, 8), torch.randn(3, 8)
    expected = layer(x)
    y = layer.bfloat16()(x.bfloat16())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), expected, rtol=0.03, atol=0.03)


def test_fresh_outputs_have_the_variance_of_a_linear_layers() -> None:
    torch.manual_seed(0)
    x = torch.randn(4000, 120)
    ours, full = CirculantLinear(120, 60, bias=False)(x), nn.Linear(120, 60, bias=False)(x)
    assert float(ours.detach().var() / full.detach().var()) == pytest.approx(1, abs=0.2)


def test_a_block_size_that_does_not_divide_is_refused() -> None:
    for size in (0, 4):
        with pytest.raises(ValueError, match=f"must divide 6 inputs and 8 outputs; got {size}"):
            CirculantLinear(6, 8, block_size=size)
    assert repr(CirculantLinear(6, 8)) == "CirculantLinear(in_features=6, out_features=8, bias=True, block_size=2)"
