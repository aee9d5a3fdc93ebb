"""The Sobel filter (Sobel and Feldman, 1968, "A 3×3 isotropic gradient operator for image processing"; lecture 003,
section 3.4): two convolutions with kernels that are given, not learned.
"""

import torch
from jaxtyping import Float, Real
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def sobel_kernels() -> Float[Tensor, "2 3 3"]:
    """The difference along height, smoothed along width, and the other way round.

    >>> sobel_kernels()[1]
    tensor([[-1.,  0.,  1.],
            [-2.,  0.,  2.],
            [-1.,  0.,  1.]])
    """
    difference, smooth = torch.tensor([-1.0, 0.0, 1.0]), torch.tensor([1.0, 2.0, 1.0])
    return torch.stack([torch.outer(difference, smooth), torch.outer(smooth, difference)])


def sobel_gradient(
    image: Real[Tensor, "*batch height width"],
) -> tuple[Float[Tensor, "*batch height width"], Float[Tensor, "*batch height width"]]:
    """8 times the slope per pixel along height (downwards) and along width (to the right), by equation 57.

    Every ``[height, width]`` is an image by itself, colours too; beyond the border its outermost pixels go on. Raises
    ValueError for an image of integers.
    """
    if not image.is_floating_point():
        raise ValueError(f"Sobel's differences need floating point; got {image.dtype}: use image.float() / 255")
    height, width = image.shape[-2:]
    padded = F.pad(image.reshape(-1, 1, height, width), (1, 1, 1, 1), mode="replicate")
    slopes = F.conv2d(padded, sobel_kernels()[:, None].to(image)).view(*image.shape[:-2], 2, height, width)
    down, right = slopes.unbind(-3)
    return down, right


def sobel_magnitude(image: Real[Tensor, "*batch height width"]) -> Float[Tensor, "*batch height width"]:
    """The length of ``sobel_gradient``: how strong an edge is. Where it is 0, it hands on no gradient."""
    magnitude: Tensor = torch.linalg.vector_norm(torch.stack(sobel_gradient(image)), dim=0)
    return magnitude


def sobel_direction(image: Real[Tensor, "*batch height width"]) -> Float[Tensor, "*batch height width"]:
    """The angle of ``sobel_gradient`` in radians from -π to π: towards the brighter side, across the edge.

    0 is to the right and π/2 is down. Where the magnitude is 0 there is no direction, and this gives 0.
    """
    down, right = sobel_gradient(image)
    return torch.atan2(down, right)
