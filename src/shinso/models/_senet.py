"""Squeeze-and-excitation networks (Hu et al., 2018, arXiv 1709.01507, table 1 and appendix; lecture 003, figure 22).

They map ``[batch, 3, 224, 224]`` to ``[batch, 1000]``; other sizes work too. As in the authors' release, the max
pooling of the stem has no padding and rounds up. Initialised after He et al. (2015), as the paper says.
"""

from torch import nn

from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._residual_blocks import (
    ResidualBlock,
    bottleneck_layers,
    chained,
    projection_shortcut,
    stages,
)
from shinso.nn.squeeze_excitation import SqueezeExcitation

_CHANNELS = (256, 512, 1024, 2048)


def se_resnet50(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """SE-ResNet-50, second column of table 1, with the stride in the first 1×1 convolution: 28,088,024 parameters."""
    return chained(
        {"stem": ConvNorm(in_channels, 64, 7, 2), "max_pool": _pool()},
        stages(se_bottleneck, 64, _CHANNELS, (3, 4, 6, 3)),
        pooled_classifier(2048, num_classes, dropout),
    )


def senet154(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> nn.Module:
    """SENet-154 (appendix): the 64×4d ResNeXt-152 with squeeze-and-excitation, a stem of three 3×3 convolutions, the
    first 1×1 convolution of each block halved, and 3×3 projections from the second stage on; 115,088,984 parameters.
    """
    stem = nn.Sequential(ConvNorm(in_channels, 64, 3, 2), ConvNorm(64, 64), ConvNorm(64, 128))
    return chained(
        {"stem": stem, "max_pool": _pool()},
        stages(_senet154_block, 128, _CHANNELS, (3, 8, 36, 3)),
        pooled_classifier(2048, num_classes, dropout),
    )


def se_resnet_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """SE bottlenecks for images of 32×32 or 28×28 pixels: a 3×3 stem of stride 1, three stages of 1, 2 and 4 blocks."""
    return chained(
        {"stem": ConvNorm(in_channels, 16)},
        stages(se_bottleneck, 16, (32, 64, 128), (1, 2, 4)),
        pooled_classifier(128, num_classes, dropout),
    )


def se_bottleneck(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    """The bottleneck of ResNet (stride in the first convolution), its residual recalibrated before the sum."""
    width = out_channels // 4
    layers = bottleneck_layers(in_channels, (width, width), out_channels, strides=(stride, 1))
    layers["squeeze_excitation"] = SqueezeExcitation(out_channels)
    return ResidualBlock(layers, projection_shortcut(in_channels, out_channels, stride))


def _senet154_block(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    widths = (out_channels // 2, out_channels)
    layers = bottleneck_layers(in_channels, widths, out_channels, strides=(1, stride), groups=64)
    layers["squeeze_excitation"] = SqueezeExcitation(out_channels)
    kernel_size = 1 if stride == 1 else 3
    return ResidualBlock(layers, projection_shortcut(in_channels, out_channels, stride, kernel_size))


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)


_PAPER = "Squeeze-and-Excitation Networks, arXiv 1709.01507"

NETWORKS = {
    "se_resnet50": Network(se_resnet50, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "senet154": Network(senet154, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "se_resnet_small": Network(se_resnet_small, year=2017, input_shape=(3, 32, 32), paper=_PAPER),
}
