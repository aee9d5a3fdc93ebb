"""ResNeXt (Xie et al., 2017, "Aggregated Residual Transformations for Deep Neural Networks", arXiv 1611.05431, table 1;
lecture 003, reference 55).

They map ``[batch, 3, 224, 224]`` to ``[batch, 1000]``; other sizes work too. A name as 32x4d says cardinality (groups
of the 3×3 convolution, which has the stride) and width of a group in the first stage. Initialised after He et al.
(2015), as the paper says.
"""

from functools import partial

from torch import nn

from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._residual_blocks import (
    ResidualBlock,
    bottleneck_layers,
    chained,
    imagenet_stem,
    projection_shortcut,
    stages,
)

_CHANNELS = (256, 512, 1024, 2048)
_BLOCKS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def resnext50_32x4d(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNeXt-50 (32×4d), right column of table 1: 25,028,904 parameters."""
    return _resnext(50, 32, 4, num_classes, in_channels, dropout)


def resnext101_32x4d(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNeXt-101 (32×4d): 44,177,704 parameters."""
    return _resnext(101, 32, 4, num_classes, in_channels, dropout)


def resnext101_32x8d(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNeXt-101 (32×8d), of Mahajan et al. (2018, arXiv 1805.00932): 88,791,336 parameters."""
    return _resnext(101, 32, 8, num_classes, in_channels, dropout)


def resnext101_64x4d(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNeXt-101 (64×4d): 83,455,272 parameters."""
    return _resnext(101, 64, 4, num_classes, in_channels, dropout)


def resnext_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """For images of 32×32 or 28×28 pixels: a 3×3 stem of stride 1, three stages of 1, 2 and 4 blocks, cardinality 8."""
    block = partial(aggregated_bottleneck, cardinality=8, width_per_output=1 / 2)
    return chained(
        {"stem": ConvNorm(in_channels, 16)},
        stages(block, 16, (32, 64, 128), (1, 2, 4)),
        pooled_classifier(128, num_classes, dropout),
    )


def aggregated_bottleneck(
    in_channels: int, out_channels: int, stride: int, *, cardinality: int, width_per_output: float
) -> ResidualBlock:
    """A bottleneck whose 3×3 convolution has ``cardinality`` groups (form c of figure 3) and ``width_per_output`` times
    the output channels.
    """
    width = int(out_channels * width_per_output)
    layers = bottleneck_layers(in_channels, (width, width), out_channels, strides=(1, stride), groups=cardinality)
    return ResidualBlock(layers, projection_shortcut(in_channels, out_channels, stride))


def _resnext(depth: int, cardinality: int, width: int, num_classes: int, in_channels: int, dropout: float) -> nn.Module:
    block = partial(aggregated_bottleneck, cardinality=cardinality, width_per_output=cardinality * width / _CHANNELS[0])
    return chained(
        imagenet_stem(in_channels),
        stages(block, 64, _CHANNELS, _BLOCKS[depth]),
        pooled_classifier(2048, num_classes, dropout),
    )


_PAPER = "Aggregated Residual Transformations for Deep Neural Networks, arXiv 1611.05431"
_PHOTOGRAPH = (3, 224, 224)

NETWORKS = {
    "resnext50_32x4d": Network(resnext50_32x4d, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnext101_32x4d": Network(resnext101_32x4d, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnext101_32x8d": Network(resnext101_32x8d, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnext101_64x4d": Network(resnext101_64x4d, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnext_small": Network(resnext_small, year=2016, input_shape=(3, 32, 32), paper=_PAPER),
}
