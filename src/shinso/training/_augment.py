"""Random changes of whole batches of images, as functions of drawn numbers, so that any process can redo any
example.
"""

import math
from typing import NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Images = Float[Tensor, "batch channel height width"]


class Draws(NamedTuple):
    """What chance decided for each example."""

    offsets: Int[Tensor, "batch 2"]
    flips: Bool[Tensor, " batch"]
    warps: Float[Tensor, "batch 4"]
    """Rotation, zoom and two shifts, each from -1 to 1."""

    def take(self, positions: Int[Tensor, " some"]) -> "Draws":
        """The decisions for some of the examples."""
        return Draws(*(decisions[positions] for decisions in self))


class ImageChanges(NamedTuple):
    """Random shift by up to ``crop`` pixels; if ``flip``, mirroring left and right with probability ½; and, ``warp``
    times, rotation by up to 10 degrees, zoom by up to 10 % and a shift by up to 1/16 of the image.
    """

    crop: int = 0
    flip: bool = False
    warp: float = 0.0

    def draw(self, examples: int, generator: torch.Generator) -> Draws:
        """Decisions for so many examples; always takes the same numbers from the generator."""
        offsets = torch.randint(0, 2 * self.crop + 1, (examples, 2), generator=generator)
        flips = torch.rand(examples, generator=generator) < 0.5
        return Draws(offsets, flips, torch.rand(examples, 4, generator=generator) * 2 - 1)

    def apply(self, images: Images, draws: Draws) -> Images:
        """The changed images; border pixels are reflected into the padding."""
        if self.flip:
            images = torch.where(draws.flips.to(images.device)[:, None, None, None], images.flip(3), images)
        if self.warp:
            images = _warped(images, draws.warps.to(images.device) * self.warp)
        return _shifted(images, draws.offsets, self.crop) if self.crop else images


class Mixing(NamedTuple):
    """Mixup: convex combinations of pairs of examples (Zhang et al., 2018, arXiv 1710.09412)."""

    partners: Int[Tensor, " batch"]
    weight: float

    @classmethod
    def draw(cls, alpha: float, examples: int, generator: torch.Generator) -> Self:
        """A random partner for each example and one weight from Beta(α, α) for all."""
        partners = torch.randperm(examples, generator=generator)
        seed = int(torch.randint(2**62, (), generator=generator))  # torch offers no seeded Beta draw
        return cls(partners, float(np.random.default_rng(seed).beta(alpha, alpha)))


def _warped(images: Images, warps: Float[Tensor, "batch 4"]) -> Images:
    angle, zoom = warps[:, 0] * math.radians(10), 1 + warps[:, 1] * 0.1
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    shift = warps[:, 2:] / 8  # in half images: the grid runs from -1 to 1
    turn = torch.stack([cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(turn, list(images.shape), align_corners=False)
    warped = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return warped.contiguous(memory_format=torch.channels_last) if _is_channels_last(images) else warped


def _is_channels_last(images: Images) -> bool:
    return images.is_contiguous(memory_format=torch.channels_last)


def _shifted(images: Images, offsets: Int[Tensor, "batch 2"], padding: int) -> Images:
    height, width = images.shape[2:]
    padded = F.pad(images, (padding,) * 4, mode="reflect")
    shifted = torch.empty_like(images)
    # At most (2·padding+1)² different windows: each is one strided copy.
    for top, left in torch.unique(offsets, dim=0).tolist():
        chosen = (offsets == torch.tensor([top, left])).all(1).nonzero()[:, 0].to(images.device)
        shifted[chosen] = padded[chosen, :, top : top + height, left : left + width]
    return shifted
