"""Four ways to a transposed convolution, torch's one of them, in the lecture's three cases and in any others."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn.convolution import (
    conv_transpose2d_as_backward,
    conv_transpose2d_by_zero_insertion,
    convolution_matrix,
    insert_zeros,
    three_cases,
)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)


pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
paddings = st.tuples(st.integers(0, 3), st.integers(0, 3))


@settings(max_examples=60, deadline=None)
@given(pairs, pairs, pairs, paddings, paddings, pairs)
def test_both_ways_are_torchs(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    output_padding: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    output_padding = tuple(extra % max(s, d) for extra, s, d in zip(output_padding, stride, dilation, strict=True))
    axes = zip(size, kernel, stride, output_padding, dilation, strict=True)
    whole = [s * (n - 1) + d * (k - 1) + 1 + extra for n, k, s, extra, d in axes]
    padding = tuple(min(p, (cells - 1) // 2) for p, cells in zip(padding, whole, strict=True))
    y, weight = normal(2, 3, *size), normal(3, 2, *kernel, seed=1)
    arguments = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    expected = F.conv_transpose2d(y, weight, **arguments)
    close(conv_transpose2d_by_zero_insertion(y, weight, **arguments), expected)
    if all(extra < s for extra, s in zip(output_padding, stride, strict=True)):
        close(conv_transpose2d_as_backward(y, weight, **arguments), expected)
    else:
        with pytest.raises(ValueError, match="no convolution has a backward with output_padding"):
            conv_transpose2d_as_backward(y, weight, **arguments)


@settings(max_examples=40, deadline=None)
@given(st.tuples(st.integers(1, 6), st.integers(1, 6)), pairs, pairs, paddings, pairs)
def test_the_matrix_is_the_convolution_and_its_transpose_the_transposed_one(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    assume(all(n + 2 * p > d * (k - 1) for n, k, p, d in zip(size, kernel, padding, dilation, strict=True)))
    x, weight = normal(2, 2, *size), normal(3, 2, *kernel, seed=1)
    arguments = {"stride": stride, "padding": padding, "dilation": dilation}
    matrix = convolution_matrix(weight, size, **arguments)
    y = F.conv2d(x, weight, **arguments)
    close((matrix @ x.flatten(1).T).T, y.flatten(1))
    (gradient,) = torch.autograd.grad(F.conv2d(x.requires_grad_(), weight, **arguments), x, y)
    close((matrix.t() @ y.flatten(1).T).T, gradient.flatten(1))


def test_the_three_cases_have_the_sizes_of_the_lecture() -> None:
    no_padding, padded, strided = three_cases(size=5, kernel_size=4, padding=1, stride=3)
    n, k, p, s = 5, 4, 1, 3
    assert [case.figure for case in (no_padding, padded, strided)] == [24, 25, 26]
    assert (no_padding.large, no_padding.transposed_padding, no_padding.inserted_zeros) == (n + (k - 1), k - 1, 0)
    assert (padded.large, padded.transposed_padding, padded.inserted_zeros) == (n + (k - 1) - 2 * p, k - p - 1, 0)
    assert (strided.large, strided.transposed_padding, strided.inserted_zeros) == (
        s * (n - 1) + 1 - 2 * p + (k - 1),
        k - p - 1,
        s - 1,
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 2), st.integers(2, 3), st.integers(1, 3))
def test_all_ways_agree_in_the_three_cases(size: int, padding: int, stride: int, more: int) -> None:
    for case in three_cases(size, 2 * padding + 1 + more, padding, stride):
        y, weight = normal(2, 3, size, size), normal(3, 2, case.kernel_size, case.kernel_size, seed=1)
        # The oracle: the gradient that autograd hands to the input of the lecture's convolution.
        image = normal(2, 2, case.large, case.large, seed=2).requires_grad_()
        forward = F.conv2d(image, weight, stride=case.stride, padding=case.padding)
        assert forward.shape[-1] == size
        (expected,) = torch.autograd.grad(forward, image, y)
        ways = case.each_way(y, weight)
        assert len(ways) == 4
        for way in ways.values():
            close(way, expected)


def test_zeros_go_between_cells_and_not_around_them() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    expected = torch.tensor([[1.0, 0, 0, 2, 0, 0, 3], [0, 0, 0, 0, 0, 0, 0], [4, 0, 0, 5, 0, 0, 6]])
    assert torch.equal(insert_zeros(x, (2, 3)), expected)
    assert insert_zeros(normal(2, 3, 4, 5), 1).shape == (2, 3, 4, 5)


def test_gradients() -> None:
    y, weight = normal(2, 2, 3, 2).requires_grad_(), normal(2, 3, 3, 2, seed=1).requires_grad_()
    for way in (conv_transpose2d_as_backward, conv_transpose2d_by_zero_insertion):
        assert torch.autograd.gradcheck(lambda *args, way=way: way(*args, stride=2, padding=1), (y, weight))
    x = normal(3 * 4 * 4, 1)
    assert torch.autograd.gradcheck(
        lambda weight: torch.sparse.mm(convolution_matrix(weight, 4, padding=1), x), (weight.detach().requires_grad_(),)
    )


@pytest.mark.parametrize("way", [conv_transpose2d_as_backward, conv_transpose2d_by_zero_insertion])
def test_a_padding_that_takes_all_away_is_refused(way: type) -> None:
    with pytest.raises(ValueError, match="takes away all 3 cells of the transposed convolution; it can be at most 1"):
        way(normal(1, 1, 3, 1), normal(1, 1, 1, 3), padding=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 3, 1, 2), "kernel_size - 1 > 2 padding; got kernel_size 3 and padding 1"),
        ((3, 4, 0, 2), "padding >= 1 .* got size 3, padding 0 and stride 2"),
        ((3, 4, 1, 1), "stride >= 2; got size 3, padding 1 and stride 1"),
    ],
)
def test_cases_that_are_not_the_lectures_are_refused(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        three_cases(*arguments)


def test_a_stride_of_0_is_refused() -> None:
    with pytest.raises(ValueError, match=r"stride must be at least 1 along height and width; got \(1, 0\)"):
        insert_zeros(normal(2, 2), (1, 0))
