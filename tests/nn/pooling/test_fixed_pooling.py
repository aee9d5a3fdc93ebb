"""Lp, spectral and spatial pyramid pooling, which draw nothing, each against its definition."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.pooling import PARTS, LpPool2d, SpatialPyramidPool2d, SpectralPool2d, lp_pool2d, spectral_pool2d


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


powers = pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, 7])


@powers
def test_lp_is_the_root_of_the_sum_of_powers(p: float) -> None:
    x = normal(2, 3, 5, 7)
    expected = torch.empty(2, 3, 2, 2, dtype=torch.float64)
    for i, j in product(range(2), range(2)):
        cells = [x[:, :, 2 * i + a, 3 * j + b].abs() ** p for a, b in product(range(3), range(2))]
        expected[:, :, i, j] = sum(cells) ** (1 / p)
    torch.testing.assert_close(lp_pool2d(x, p, (3, 2), (2, 3)), expected)
    torch.testing.assert_close(LpPool2d(p, (3, 2), (2, 3))(x), expected)


@powers
def test_lp_is_torchs_where_that_is_defined(p: float) -> None:
    x = normal(2, 3, 6, 6).abs()
    torch.testing.assert_close(lp_pool2d(x, p, 3, 2), F.lp_pool2d(x, p, 3, 2))
    torch.testing.assert_close(LpPool2d(p, 3)(x), nn.LPPool2d(p, 3)(x))


def test_torchs_lp_has_no_absolute_value() -> None:
    x = torch.tensor([[[[-1.0, -2.0], [0.0, 1.0]]]])
    assert F.lp_pool2d(x, 3, 2).isnan().all()
    torch.testing.assert_close(lp_pool2d(x, 3, 2).item(), 10 ** (1 / 3))


def test_lp_goes_from_sums_to_maxima() -> None:
    x = normal(1, 2, 4, 4)
    torch.testing.assert_close(lp_pool2d(x, 1, 2), 4 * F.avg_pool2d(x.abs(), 2))
    torch.testing.assert_close(lp_pool2d(x, math.inf, 2), F.max_pool2d(x.abs(), 2))


def test_lp_gradients_also_of_zeros() -> None:
    x = normal(1, 2, 4, 5).requires_grad_()
    for p in (1.0, 1.5, 2.0, 3.0, math.inf):
        assert torch.autograd.gradcheck(lambda x, p=p: lp_pool2d(x, p, 2, (1, 2)), (x,))
        zeros = torch.zeros(2, 2, requires_grad=True)
        lp_pool2d(zeros, p, 2).sum().backward()
        assert zeros.grad is not None
        assert torch.equal(zeros.grad, torch.zeros(2, 2))


@pytest.mark.parametrize("p", [0, -1, math.nan])
def test_powers_that_are_not_positive_are_refused(p: float) -> None:
    with pytest.raises(ValueError, match=f"needs p > 0 .* got {p}"):
        LpPool2d(p, 2)


def test_a_window_larger_than_the_map_is_refused() -> None:
    with pytest.raises(ValueError, match="a window of 3 × 2 cells does not fit into a map of 2 × 5"):
        lp_pool2d(normal(2, 5), 2, (3, 2))


def truncated(x: np.ndarray, size: int) -> np.ndarray:
    """One axis by the sums themselves: the real part of the inverse transform of the lowest frequencies."""
    n = len(x)
    frequencies = range(-(size // 2), size - size // 2) if size < n else range(-(n // 2), n - n // 2)
    coefficients = {k: sum(x[m] * np.exp(-2j * np.pi * k * m / n) for m in range(n)) / n for k in frequencies}
    return np.array(
        [sum(c * np.exp(2j * np.pi * k * m / size) for k, c in coefficients.items()).real for m in range(size)]
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_spectral_pooling_is_the_real_part_of_the_cropped_series(height: int, width: int, data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    x = normal(height, width)
    along_width = np.stack([truncated(row, columns) for row in x.numpy()])
    expected = np.stack([truncated(column, rows) for column in along_width.T]).T
    torch.testing.assert_close(spectral_pool2d(x, (rows, columns)), torch.from_numpy(expected))


def test_spectral_pooling_samples_what_has_only_low_frequencies() -> None:
    def wave(size: int) -> Tensor:
        t = torch.arange(size, dtype=torch.float64) / size
        return 1 + torch.cos(2 * math.pi * t)[:, None] * torch.sin(4 * math.pi * t)

    torch.testing.assert_close(spectral_pool2d(wave(12), 6), wave(6))
    torch.testing.assert_close(spectral_pool2d(wave(13), 5), wave(5))


def test_spectral_pooling_keeps_the_mean_and_the_whole() -> None:
    x = normal(2, 3, 7, 8)
    for size in ((4, 4), (3, 7), (1, 1)):
        torch.testing.assert_close(spectral_pool2d(x, size).mean((-2, -1)), x.mean((-2, -1)))
    torch.testing.assert_close(SpectralPool2d((7, 8))(x), x)


def test_spectral_pooling_of_a_mirrored_map_is_mirrored() -> None:
    x = normal(8, 9)
    for dim, size in ((0, 4), (1, 6)):
        # Mirrored around the first cell, which is where the transform has its origin.
        mirrored = x.flip(dim).roll(1, dim)
        output = spectral_pool2d(x, (4, 6))
        torch.testing.assert_close(spectral_pool2d(mirrored, (4, 6)), output.flip(dim).roll(1, dim))
        assert output.shape[dim] == size


def test_spectral_pooling_has_a_gradient_and_a_dtype() -> None:
    x = normal(2, 5, 6).requires_grad_()
    for size in ((3, 4), (4, 3), (5, 6)):
        assert torch.autograd.gradcheck(lambda x, size=size: spectral_pool2d(x, size), (x,))
    assert SpectralPool2d(2)(torch.ones(1, 4, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_spectral_pooling_cannot_enlarge() -> None:
    with pytest.raises(ValueError, match=r"cannot enlarge a map of 4 × 5 to 4 × 6; .* at most \(4, 5\)"):
        spectral_pool2d(normal(4, 5), (4, 6))
    with pytest.raises(ValueError, match="output_size must be at least 1 along height and width; got 0"):
        SpectralPool2d(0)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (7, 6), (13, 9)])
def test_a_pyramid_has_one_length_for_all_sizes(size: tuple[int, int]) -> None:
    pool, x = SpatialPyramidPool2d((3, 2, 1)), normal(2, 4, *size)
    output = pool(x)
    assert output.shape == (2, pool.features(4)) == (2, 4 * 14)
    torch.testing.assert_close(pool(x[0]), output[0])
    expected = []
    for n, channel in product((3, 2, 1), range(4)):
        for i, j in product(range(n), range(n)):
            rows = slice(i * size[0] // n, -(-(i + 1) * size[0] // n))
            columns = slice(j * size[1] // n, -(-(j + 1) * size[1] // n))
            expected.append(x[:, channel, rows, columns].amax((-2, -1)))
    # The definition lists bins within a channel within a grid, as the pooling does.
    torch.testing.assert_close(output, torch.stack(expected, 1))


def test_a_pyramid_has_a_gradient() -> None:
    assert torch.autograd.gradcheck(SpatialPyramidPool2d((2, 1)), (normal(1, 2, 5, 3).requires_grad_(),))


@pytest.mark.parametrize("bins", [(), (2, 0)])
def test_a_pyramid_without_bins_is_refused(bins: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="bins must be one or more numbers from 1 on"):
        SpatialPyramidPool2d(bins)


def test_global_average_pooling_is_the_mean_of_each_channel() -> None:
    x = normal(2, 3, 4, 5)
    torch.testing.assert_close(PARTS["global_average_pooling"].make()(x), x.mean((2, 3), keepdim=True))


def test_fixed_layers_say_what_they_are_and_do_not_depend_on_the_mode() -> None:
    x = normal(2, 3, 8, 8)
    for layer in (LpPool2d(2, 3, 2), SpectralPool2d(4), SpatialPyramidPool2d()):
        torch.testing.assert_close(layer.train()(x), layer.eval()(x))
        exported = torch.export.export(layer, (x,)).module()
        torch.testing.assert_close(exported(x), layer(x))
    assert str(LpPool2d(2, 3, 2)) == "LpPool2d(p=2, kernel_size=(3, 3), stride=(2, 2))"
    assert str(SpectralPool2d(4)) == "SpectralPool2d(output_size=(4, 4))"
    assert str(SpatialPyramidPool2d()) == "SpatialPyramidPool2d(bins=(4, 2, 1))"


def test_the_catalogue_of_pooling() -> None:
    assert {part.kind for part in PARTS.values()} == {"pooling"}
    assert all(callable(part.make) and "lecture 003" in part.source for part in PARTS.values())
    assert len(PARTS) == 9
