"""Windows of max pooling against torch's own pooling, in all its settings."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

from shinso.lens.regions._pooling_windows import pooling_windows


@given(
    st.tuples(st.integers(5, 9), st.integers(5, 9)),
    st.tuples(st.integers(1, 3), st.integers(2, 3)),
    st.integers(1, 3),
    st.integers(0, 1),
    st.integers(1, 2),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_greatest_of_each_window_is_what_torch_gives(
    sizes: tuple[int, int], kernel: tuple[int, int], stride: int, padding: int, dilation: int, ceil_mode: bool
) -> None:
    padding = min(padding, kernel[0] // 2)
    images = torch.randn(2, 3, *sizes, generator=torch.Generator().manual_seed(0))
    windows = pooling_windows(sizes, 2, kernel, stride, padding, dilation, ceil_mode)
    found = images.flatten(2)[:, :, windows].amax(dim=-1)
    assert torch.equal(found, F.max_pool2d(images, kernel, stride, padding, dilation, ceil_mode))


@pytest.mark.parametrize("axes", [1, 3])
def test_in_one_and_three_dimensions(axes: int) -> None:
    sizes = (5, 6, 7)[:axes]
    values = torch.randn(2, 2, *sizes, generator=torch.Generator().manual_seed(1))
    pool = F.max_pool1d if axes == 1 else F.max_pool3d
    windows = pooling_windows(sizes, axes, 3, 2, 1, 1, False)
    assert torch.equal(values.flatten(2)[:, :, windows].amax(dim=-1), pool(values, 3, 2, 1))
