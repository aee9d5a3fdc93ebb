"""Residual networks for photographs (He et al., 2016, "Deep Residual Learning for Image Recognition", arXiv 1512.03385,
table 1; lecture 001 "ResNet"; lecture 003, figure 20).

They map ``[batch, 3, 224, 224]`` to ``[batch, 1000]``; other sizes work too. Where shapes change the shortcut is a
projection (option B). Convolutions have no bias, all are followed by batch normalisation. Initialised after He et al.
(2015), as the paper says.
"""

from torch import nn

from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._residual_blocks import (
    Block,
    ResidualBlock,
    basic_block,
    bottleneck_layers,
    chained,
    imagenet_stem,
    projection_shortcut,
    stages,
)

_BASIC_CHANNELS = (64, 128, 256, 512)
_BOTTLENECK_CHANNELS = (256, 512, 1024, 2048)

# Blocks in the stages conv2_x to conv5_x, columns of table 1.
_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


def resnet18(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-18: basic blocks, 11,689,512 parameters."""
    return _resnet(basic_block, _BASIC_CHANNELS, 18, num_classes, in_channels, dropout)


def resnet34(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-34: basic blocks, 21,797,672 parameters."""
    return _resnet(basic_block, _BASIC_CHANNELS, 34, num_classes, in_channels, dropout)


def resnet50(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-50, "v1.5": bottlenecks with the stride in the 3×3 convolution (torchvision), 25,557,032 parameters."""
    return _resnet(bottleneck, _BOTTLENECK_CHANNELS, 50, num_classes, in_channels, dropout)


def resnet101(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-101, "v1.5": bottlenecks with the stride in the 3×3 convolution (torchvision), 44,549,160 parameters."""
    return _resnet(bottleneck, _BOTTLENECK_CHANNELS, 101, num_classes, in_channels, dropout)


def resnet152(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-152, "v1.5": bottlenecks with the stride in the 3×3 convolution (torchvision), 60,192,808 parameters."""
    return _resnet(bottleneck, _BOTTLENECK_CHANNELS, 152, num_classes, in_channels, dropout)


def resnet50_v1(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-50 of the paper: the stride is in the first 1×1 convolution of the bottleneck."""
    return _resnet(bottleneck_v1, _BOTTLENECK_CHANNELS, 50, num_classes, in_channels, dropout)


def resnet101_v1(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-101 of the paper: the stride is in the first 1×1 convolution of the bottleneck."""
    return _resnet(bottleneck_v1, _BOTTLENECK_CHANNELS, 101, num_classes, in_channels, dropout)


def resnet152_v1(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-152 of the paper: the stride is in the first 1×1 convolution of the bottleneck."""
    return _resnet(bottleneck_v1, _BOTTLENECK_CHANNELS, 152, num_classes, in_channels, dropout)


def resnet_bottleneck_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """Bottlenecks for images of 32×32 or 28×28 pixels: a 3×3 stem of stride 1, three stages of 1, 2 and 4 blocks."""
    return chained(
        {"stem": ConvNorm(in_channels, 16)},
        stages(bottleneck, 16, (32, 64, 128), (1, 2, 4)),
        pooled_classifier(128, num_classes, dropout),
    )


def bottleneck(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    """A block of 1×1, 3×3 and 1×1 convolutions, the stride in the second."""
    width = out_channels // 4
    layers = bottleneck_layers(in_channels, (width, width), out_channels, strides=(1, stride))
    return ResidualBlock(layers, projection_shortcut(in_channels, out_channels, stride))


def bottleneck_v1(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    """A block of 1×1, 3×3 and 1×1 convolutions, the stride in the first."""
    width = out_channels // 4
    layers = bottleneck_layers(in_channels, (width, width), out_channels, strides=(stride, 1))
    return ResidualBlock(layers, projection_shortcut(in_channels, out_channels, stride))


def _resnet(
    block: Block, channels: tuple[int, ...], depth: int, num_classes: int, in_channels: int, dropout: float
) -> nn.Module:
    return chained(
        imagenet_stem(in_channels),
        stages(block, 64, channels, _BLOCKS[depth]),
        pooled_classifier(channels[-1], num_classes, dropout),
    )


_PAPER = "Deep Residual Learning for Image Recognition, arXiv 1512.03385"
_PHOTOGRAPH = (3, 224, 224)

NETWORKS = {
    "resnet18": Network(resnet18, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet34": Network(resnet34, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet50": Network(resnet50, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet101": Network(resnet101, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet152": Network(resnet152, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet50_v1": Network(resnet50_v1, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet101_v1": Network(resnet101_v1, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet152_v1": Network(resnet152_v1, year=2015, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "resnet_bottleneck_small": Network(resnet_bottleneck_small, year=2015, input_shape=(3, 32, 32), paper=_PAPER),
}
