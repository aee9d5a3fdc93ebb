"""A network for small images in the spirit of the record recipes (Jordan, 2024, arXiv 2404.00498): few layers, wide,
each convolution on as small an image as will do.

shinso train --model benchmarks/cifar10_network.py:network --data parquet:DIR --precision bfloat16 --budget 30min
"""

from itertools import pairwise

from torch import nn


def network(num_classes: int, in_channels: int = 3, widths: tuple[int, int, int] = (64, 128, 256)) -> nn.Module:
    """Maps images of 32×32 to logits: a stem of 2×2 convolutions, three blocks that halve the image, a maximum over
    what is left.
    """
    stem = nn.Sequential(nn.Conv2d(in_channels, 32, 2), nn.GELU())
    blocks = [_block(i, o) for i, o in pairwise((32, *widths))]
    head = nn.Sequential(nn.MaxPool2d(3), nn.Flatten(), nn.Linear(widths[-1], num_classes))
    return nn.Sequential(stem, *blocks, head)


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.GELU(),
    )
