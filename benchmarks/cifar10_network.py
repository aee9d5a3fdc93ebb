"""A network for small images in the spirit of the record recipes (Jordan, 2024, arXiv 2404.00498): few layers, wide,
whitened patches first, each convolution on as small an image as will do.
"""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn


class SmallImageNetwork(nn.Module):
    """Maps images ``[batch, 3, 32, 32]`` to logits; in evaluation the mean over an image and its mirror image."""

    def __init__(self, images: Float[Tensor, "n c h w"], num_classes: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        whitening = whitened_patches(images)
        blocks = [_block(i, o) for i, o in pairwise((whitening.out_channels, *widths))]
        classifier = nn.Linear(widths[-1], num_classes, bias=False)
        self.layers = nn.Sequential(whitening, nn.GELU(), *blocks, nn.MaxPool2d(3), nn.Flatten(), classifier)

    def forward(self, x: Float[Tensor, "batch 3 32 32"]) -> Float[Tensor, "batch classes"]:
        if self.training:
            return self.logits(x)
        return (self.logits(x) + self.logits(x.flip(-1))) / 2

    def logits(self, x: Float[Tensor, "batch 3 32 32"]) -> Float[Tensor, "batch classes"]:
        """Of the images as they are; divided by 9, as the record recipe does, so that training begins gently."""
        return self.layers(x) / 9


def whitened_patches(images: Float[Tensor, "n c h w"], size: int = 2, epsilon: float = 5e-4) -> nn.Conv2d:
    """A convolution whose outputs are uncorrelated on these images, and their negatives; only its bias is learnt."""
    patches = images.unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(0, 2).double()
    variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (directions / (variances + epsilon).sqrt()).T.flip(0)
    layer = nn.Conv2d(images.shape[1], 2 * len(filters), size)
    filters = filters.reshape(-1, images.shape[1], size, size)
    layer.weight = nn.Parameter(torch.cat([filters, -filters]).float(), requires_grad=False)
    nn.init.zeros_(layer.bias)
    return layer


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        _identity_first(nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
        _identity_first(nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )


def _identity_first(layer: nn.Conv2d) -> nn.Conv2d:
    """The first output channels begin as copies of the input channels."""
    nn.init.dirac_(layer.weight[: layer.in_channels])
    return layer
