"""Shape arithmetic against the shapes that torch gives."""

import re

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

from shinso.nn.convolution import conv_output_size, conv_transpose_output_size

sizes = st.integers(1, 20)
kernels = st.integers(1, 6)
steps = st.integers(1, 4)
paddings = st.integers(0, 5)


@settings(max_examples=100, deadline=None)
@given(sizes, kernels, steps, paddings, steps)
def test_the_size_is_torchs(size: int, kernel: int, stride: int, padding: int, dilation: int) -> None:
    x, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
    try:
        expected = F.conv1d(x, weight, stride=stride, padding=padding, dilation=dilation).shape[-1]
    except RuntimeError:
        with pytest.raises(ValueError, match="does not fit"):
            conv_output_size(size, kernel, stride, padding, dilation)
    else:
        assert conv_output_size(size, kernel, stride, padding, dilation) == expected


@settings(max_examples=100, deadline=None)
@given(sizes, kernels, steps, paddings, st.integers(0, 3), steps)
def test_the_transposed_size_is_torchs(
    size: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int
) -> None:
    assume(output_padding < max(stride, dilation))
    x, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, kernel)
    arguments = (size, kernel, stride, padding, output_padding, dilation)
    if stride * (size - 1) + dilation * (kernel - 1) + 1 + output_padding <= 2 * padding:
        with pytest.raises(ValueError, match="takes away all"):
            conv_transpose_output_size(*arguments)
        return
    expected = F.conv_transpose1d(
        x, weight, stride=stride, padding=padding, output_padding=output_padding, dilation=dilation
    )
    assert conv_transpose_output_size(*arguments) == expected.shape[-1]


@settings(max_examples=50, deadline=None)
@given(sizes, kernels, steps, paddings)
def test_output_padding_gives_back_the_cells_that_a_stride_left_over(
    size: int, kernel: int, stride: int, padding: int
) -> None:
    assume(size + 2 * padding >= kernel)
    small = conv_output_size(size, kernel, stride, padding)
    left_over = (size + 2 * padding - kernel) % stride
    assert conv_transpose_output_size(small, kernel, stride, padding, left_over) == size


def test_the_message_says_what_fits() -> None:
    message = (
        "a kernel that spans 9 cells (kernel_size 5, dilation 2) does not fit into 6 (input_size 4, padding 1 on both "
        "sides): it needs an input_size of at least 7, or a padding of at least 3"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        conv_output_size(4, 5, padding=1, dilation=2)
    assert conv_output_size(7, 5, padding=1, dilation=2) == 1
    assert conv_output_size(4, 5, padding=3, dilation=2) == 2


def test_the_transposed_message_says_what_fits() -> None:
    with pytest.raises(ValueError, match=r"padding 2 on both sides takes away all 4 cells .* at most 1"):
        conv_transpose_output_size(2, 3, padding=2)
    assert conv_transpose_output_size(2, 3, padding=1) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stride": 0}, "stride must be at least 1; got 0"),
        ({"kernel_size": 0}, "kernel_size must be at least 1; got 0"),
        ({"dilation": -1}, "dilation must be at least 1; got -1"),
        ({"padding": -1}, "padding must be at least 0; got -1"),
        ({"input_size": 0}, "input_size must be at least 1; got 0"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, int], message: str) -> None:
    for size in (conv_output_size, conv_transpose_output_size):
        with pytest.raises(ValueError, match=message):
            size(**{"input_size": 5, "kernel_size": 3, **change})


def test_an_output_padding_of_the_stride_is_refused() -> None:
    with pytest.raises(ValueError, match="below the larger of stride 2 and dilation 1; got 2"):
        conv_transpose_output_size(4, 3, stride=2, output_padding=2)
