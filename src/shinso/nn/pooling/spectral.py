"""Spectral pooling (Rippel, Snoek and Adams, 2015, "Spectral representations for convolutional neural networks",
arXiv 1506.03767; lecture 003, figure 16).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.nn._pair import IntPair, pair, positive_pair


def spectral_pool2d(
    x: Float[Tensor, "*batch height width"], output_size: IntPair
) -> Float[Tensor, "*batch out_height out_width"]:
    """``x`` with only the lowest frequencies of its discrete Fourier transform, which then fit on a smaller map.

    Means stay as they are (with unitary transforms, all would grow with the root of the ratio of areas). An even output
    size has one highest frequency where ``x`` has two, +n/2 and -n/2: their mean is taken, along each axis, which keeps
    the output real and treats mirrored inputs alike. Half precision is computed in single. Raises ValueError for an
    output larger than ``x``.
    """
    height, width = positive_pair("output_size", output_size)
    if height > x.shape[-2] or width > x.shape[-1]:
        raise ValueError(
            f"spectral pooling cannot enlarge a map of {x.shape[-2]} × {x.shape[-1]} to {height} × {width}; choose an "
            f"output_size of at most {tuple(x.shape[-2:])}"
        )
    spectrum = torch.fft.fft2(x.to(torch.promote_types(x.dtype, torch.float32)), norm="forward")
    lowest = _lowest_frequencies(_lowest_frequencies(spectrum, height, -2), width, -1)
    pooled: Tensor = torch.fft.ifft2(lowest, norm="forward").real
    return pooled.to(x.dtype)


class SpectralPool2d(nn.Module):
    """The map of a given size with the lowest frequencies of the input. Maps ``[…, height, width]`` to
    ``[…, *output_size]``.
    """

    def __init__(self, output_size: IntPair) -> None:
        super().__init__()
        self.output_size = positive_pair("output_size", output_size)

    def forward(self, x: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch out_height out_width"]:
        return spectral_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={pair(self.output_size)}"


def _lowest_frequencies(spectrum: Tensor, size: int, dim: int) -> Tensor:
    """The frequencies 0 … size/2 and -size/2 … -1 along an axis, those at ±size/2 averaged into one."""
    whole, half = spectrum.shape[dim], size // 2
    if size == whole:
        return spectrum
    if size % 2:
        return torch.cat([spectrum.narrow(dim, 0, half + 1), spectrum.narrow(dim, whole - half, half)], dim)
    highest = (spectrum.narrow(dim, half, 1) + spectrum.narrow(dim, whole - half, 1)) / 2
    return torch.cat([spectrum.narrow(dim, 0, half), highest, spectrum.narrow(dim, whole - half + 1, half - 1)], dim)
