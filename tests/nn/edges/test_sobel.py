"""Sobel's filter against SciPy's and against the convolution formula, also on a photograph."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sklearn.datasets import load_sample_image
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.nn.convolution import conv2d_by_definition
from shinso.nn.edges import PARTS, sobel_direction, sobel_gradient, sobel_kernels, sobel_magnitude


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7))
def test_it_is_scipys(height: int, width: int) -> None:
    image = normal(height, width)
    for slope, axis in zip(sobel_gradient(image), (0, 1), strict=True):
        torch.testing.assert_close(slope, torch.from_numpy(ndimage.sobel(image.numpy(), axis=axis)))


def test_it_is_scipys_on_a_photograph() -> None:
    photograph = torch.from_numpy(load_sample_image("china.jpg").copy()).movedim(-1, 0)[None].double() / 255
    assert photograph.shape == (1, 3, 427, 640)
    down, right = sobel_gradient(photograph)
    for channel in range(3):
        plane = photograph[0, channel].numpy()
        torch.testing.assert_close(down[0, channel], torch.from_numpy(ndimage.sobel(plane, axis=0)))
        torch.testing.assert_close(right[0, channel], torch.from_numpy(ndimage.sobel(plane, axis=1)))
    magnitude = sobel_magnitude(photograph)
    sky, palace = magnitude[..., 20:60, 250:450], magnitude[..., 200:300, 250:450]
    assert palace.mean() > 10 * sky.mean()


def test_it_is_equation_57_with_the_two_kernels() -> None:
    image = normal(2, 1, 6, 5)
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    expected = conv2d_by_definition(padded, sobel_kernels()[:, None].double())
    torch.testing.assert_close(torch.cat(sobel_gradient(image), dim=1), expected)


def test_every_leading_shape_is_a_stack_of_images() -> None:
    images = normal(2, 3, 6, 5)
    for function in (sobel_magnitude, sobel_direction):
        whole = function(images)
        assert whole.shape == images.shape
        torch.testing.assert_close(whole[1, 2], function(images[1, 2]))
        torch.testing.assert_close(whole[1], function(images[1]))


@pytest.mark.parametrize("angle", [0.0, 0.7, math.pi / 2, 2.5, -1.2])
def test_a_slope_has_eight_times_its_length_and_its_direction(angle: float) -> None:
    rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(6.0), indexing="ij")
    ramp = 0.25 * (math.cos(angle) * columns + math.sin(angle) * rows)
    inside = (slice(1, -1), slice(1, -1))
    torch.testing.assert_close(sobel_magnitude(ramp)[inside], torch.full((3, 4), 2.0))
    torch.testing.assert_close(sobel_direction(ramp)[inside], torch.full((3, 4), angle), atol=1e-5, rtol=0)


def test_gradients_and_a_flat_image() -> None:
    image = normal(1, 2, 4, 3).requires_grad_()
    for function in (sobel_gradient, sobel_magnitude, sobel_direction):
        assert torch.autograd.gradcheck(function, (image,))
    flat = torch.full((4, 4), 0.5, requires_grad=True)
    magnitude = sobel_magnitude(flat)
    magnitude.sum().backward()
    assert torch.equal(magnitude, torch.zeros(4, 4))
    assert torch.equal(sobel_direction(flat.detach()), torch.zeros(4, 4))
    assert flat.grad is not None
    assert torch.equal(flat.grad, torch.zeros(4, 4))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_dtype_stays(dtype: torch.dtype) -> None:
    assert sobel_magnitude(torch.rand(3, 4, 4, dtype=dtype)).dtype == dtype


def test_integers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"need floating point; got torch.uint8: use image.float\(\) / 255"):
        sobel_magnitude(torch.zeros(4, 4, dtype=torch.uint8))


def test_the_catalogue() -> None:
    assert PARTS["sobel"].make is sobel_magnitude
    assert PARTS["sobel"].kind == "filter"
