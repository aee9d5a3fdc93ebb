"""The sum of equation 54 against torch, SciPy and five loops; true convolution against SciPy."""

from itertools import product

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import signal
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.convolution import conv2d_by_definition, true_conv2d


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_sum_of_equation_54() -> None:
    x, weight, bias = normal(1, 2, 7, 7), normal(3, 2, 3, 3, seed=1), normal(3, seed=2)
    stride, padding, k = 2, 1, 3
    around = F.pad(x, (padding,) * 4)
    side = (7 - 1 + 2 * padding - (k - 1)) // stride + 1
    expected = torch.zeros(1, 3, side, side, dtype=torch.float64)
    for out, i, j in product(range(3), range(side), range(side)):
        expected[0, out, i, j] = bias[out] + sum(
            around[0, c, stride * i + a, stride * j + b] * weight[out, c, a, b]
            for c, a, b in product(range(2), range(k), range(k))
        )
    torch.testing.assert_close(conv2d_by_definition(x, weight, bias, stride=stride, padding=padding), expected)


@settings(max_examples=40, deadline=None)
@given(*[st.integers(1, 8)] * 2, *[st.integers(1, 4)] * 2, *[st.integers(1, 3)] * 2, *[st.integers(0, 2)] * 2)
def test_it_is_torchs(h: int, w: int, kh: int, kw: int, sh: int, sw: int, ph: int, pw: int) -> None:
    assume(h + 2 * ph >= kh and w + 2 * pw >= kw)
    x, weight, bias = normal(2, 3, h, w), normal(4, 3, kh, kw, seed=1), normal(4, seed=2)
    settings_ = {"stride": (sh, sw), "padding": (ph, pw)}
    expected = F.conv2d(x, weight, bias, **settings_)
    torch.testing.assert_close(conv2d_by_definition(x, weight, bias, **settings_), expected, rtol=1e-12, atol=1e-12)


def test_a_kernel_of_one_cell_is_a_linear_map_of_the_channels_at_each_position() -> None:
    x, weight = normal(2, 3, 4, 5), normal(6, 3, 1, 1, seed=1)
    expected = F.linear(x.movedim(1, -1), weight[:, :, 0, 0]).movedim(-1, 1)
    torch.testing.assert_close(conv2d_by_definition(x, weight), expected)
    torch.testing.assert_close(F.conv2d(x, weight), expected)


def test_the_bias_may_depend_on_the_position() -> None:
    x, weight, bias = normal(2, 3, 4, 4), normal(5, 3, 3, 3, seed=1), normal(5, 2, 2, seed=2)
    torch.testing.assert_close(conv2d_by_definition(x, weight, bias), F.conv2d(x, weight) + bias)


def test_networks_compute_scipys_correlation_and_not_its_convolution() -> None:
    x, kernel = normal(6, 5), normal(3, 2, seed=1)
    batch, weight = x[None, None], kernel[None, None]
    correlation = torch.from_numpy(signal.correlate2d(x, kernel, mode="valid"))
    convolution = torch.from_numpy(signal.convolve2d(x, kernel, mode="valid"))
    assert not torch.allclose(correlation, convolution)
    for correlate in (F.conv2d, conv2d_by_definition):
        torch.testing.assert_close(correlate(batch, weight)[0, 0], correlation)
    torch.testing.assert_close(true_conv2d(batch, weight)[0, 0], convolution)


def test_true_convolution_with_padding_stride_and_channels_is_scipys() -> None:
    x, weight, bias = normal(2, 3, 6, 7), normal(4, 3, 3, 2, seed=1), normal(4, seed=2)
    around = F.pad(x, (1, 1, 2, 2))
    expected = torch.stack(
        [
            torch.stack(
                [
                    bias[o]
                    + sum(
                        torch.from_numpy(signal.convolve2d(around[n, c], weight[o, c], mode="valid")) for c in range(3)
                    )
                    for o in range(4)
                ]
            )
            for n in range(2)
        ]
    )[:, :, ::2, ::3]
    torch.testing.assert_close(true_conv2d(x, weight, bias, stride=(2, 3), padding=(2, 1)), expected)


def test_true_convolution_commutes_and_correlation_does_not() -> None:
    a, b = normal(1, 1, 3, 3), normal(1, 1, 3, 3, seed=1)
    torch.testing.assert_close(true_conv2d(a, b, padding=2), true_conv2d(b, a, padding=2))
    assert not torch.allclose(F.conv2d(a, b, padding=2), F.conv2d(b, a, padding=2))


@pytest.mark.parametrize("convolution", [conv2d_by_definition, true_conv2d])
def test_gradients(convolution: nn.Module) -> None:
    x, weight, bias = (t.requires_grad_() for t in (normal(2, 2, 4, 4), normal(3, 2, 2, 3, seed=1), normal(3, seed=2)))
    assert torch.autograd.gradcheck(lambda *args: convolution(*args, stride=2, padding=1), (x, weight, bias))


def test_a_kernel_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an input_size of at least 5, or a padding of at least 1"):
        conv2d_by_definition(normal(1, 1, 4, 9), normal(1, 1, 5, 5))
