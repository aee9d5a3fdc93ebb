"""Dual path networks (Chen et al., 2017, "Dual Path Networks", arXiv 1707.01629, table 1; lecture 001 "Dual Path
Networks").

They map ``[batch, 3, 224, 224]`` to ``[batch, 1000]``; other sizes work too. The first channels of a feature map are a
residual path, to which each block adds; the others a dense path, to which it appends. Convolutions are pre-activated,
normalised with eps 0.001; the classifier is a 1×1 convolution with bias. Initialised after He et al. (2015); the paper
does not say.
"""

from collections import OrderedDict
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._network import Network
from shinso.models._norm_relu_conv import NormReluConv
from shinso.models._parts import ConvNorm
from shinso.models._residual_blocks import chained

_EPS = 1e-3


class Stage(NamedTuple):
    """A row of table 1."""

    blocks: int
    width: int
    """Of the 3×3 convolution."""
    residual_channels: int
    growth_rate: int
    """Channels that each block appends."""


_DPN92 = (Stage(3, 96, 256, 16), Stage(4, 192, 512, 32), Stage(20, 384, 1024, 24), Stage(3, 768, 2048, 128))
_DPN98 = (Stage(3, 160, 256, 16), Stage(6, 320, 512, 32), Stage(20, 640, 1024, 32), Stage(3, 1280, 2048, 128))
_DPN131 = (Stage(4, 160, 256, 16), Stage(8, 320, 512, 32), Stage(28, 640, 1024, 32), Stage(3, 1280, 2048, 128))
_SMALL = (Stage(1, 16, 32, 8), Stage(2, 32, 64, 8), Stage(4, 64, 128, 8))


def dpn92(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DPN-92: 32 groups of 3 channels in the first stage, 37,668,392 parameters."""
    return _for_photographs(64, 32, _DPN92, num_classes, in_channels, dropout)


def dpn98(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DPN-98: 40 groups of 4 channels in the first stage, 61,570,728 parameters."""
    return _for_photographs(96, 40, _DPN98, num_classes, in_channels, dropout)


def dpn131(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DPN-131: 40 groups of 4 channels in the first stage, 79,254,504 parameters."""
    return _for_photographs(128, 40, _DPN131, num_classes, in_channels, dropout)


def dpn_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """For images of 32×32 or 28×28 pixels: a 3×3 stem of stride 1, three stages of 1, 2 and 4 blocks, 8 groups."""
    stem: dict[str, nn.Module] = {"stem": ConvNorm(in_channels, 16, eps=_EPS)}
    return _dual_path(stem, 16, 8, _SMALL, num_classes, dropout)


class DualPathBlock(nn.Module):
    """The first ``residual_channels`` of shortcut(x) and layers(x) added, then the rest of the one and of the other.

    Maps ``[batch, channel, height, width]`` to the channels of ``shortcut`` and ``growth_rate`` more.
    """

    def __init__(self, shortcut: nn.Module, layers: nn.Module, residual_channels: int) -> None:
        super().__init__()
        self.shortcut = shortcut
        self.layers = layers
        self.residual_channels = residual_channels

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        paths = self.shortcut(x)
        new = self.layers(x)
        residual = paths[:, : self.residual_channels] + new[:, : self.residual_channels]
        return torch.cat((residual, paths[:, self.residual_channels :], new[:, self.residual_channels :]), dim=1)


def dual_path_block(in_channels: int, shortcut: nn.Module, stage: Stage, stride: int, groups: int) -> DualPathBlock:
    """A bottleneck of 1×1, 3×3 (in groups, with the stride) and 1×1 convolutions."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=NormReluConv(in_channels, stage.width, 1, eps=_EPS),
        conv2=NormReluConv(stage.width, stage.width, 3, stride, groups=groups, eps=_EPS),
        conv3=NormReluConv(stage.width, stage.residual_channels + stage.growth_rate, 1, eps=_EPS),
    )
    return DualPathBlock(shortcut, nn.Sequential(layers), stage.residual_channels)


def _stage(in_channels: int, stage: Stage, stride: int, groups: int) -> tuple[nn.Module, int]:
    """The blocks of a stage, and the channels that come out; the first projects to both paths."""
    channels = stage.residual_channels + 2 * stage.growth_rate
    shortcut = NormReluConv(in_channels, channels, 1, stride, eps=_EPS)
    blocks = [dual_path_block(in_channels, shortcut, stage, stride, groups)]
    for _ in range(stage.blocks - 1):
        channels += stage.growth_rate
        blocks.append(dual_path_block(channels, nn.Identity(), stage, 1, groups))
    return nn.Sequential(*blocks), channels + stage.growth_rate


def _for_photographs(
    stem_channels: int,
    groups: int,
    stages: tuple[Stage, ...],
    num_classes: int,
    in_channels: int,
    dropout: float,
) -> nn.Module:
    stem = {"stem": ConvNorm(in_channels, stem_channels, 7, 2, eps=_EPS), "max_pool": nn.MaxPool2d(3, 2, padding=1)}
    return _dual_path(stem, stem_channels, groups, stages, num_classes, dropout)


def _dual_path(
    stem: dict[str, nn.Module],
    channels: int,
    groups: int,
    stages: tuple[Stage, ...],
    num_classes: int,
    dropout: float,
) -> nn.Module:
    body: dict[str, nn.Module] = {}
    for number, stage in enumerate(stages, start=1):
        body[f"stage{number}"], channels = _stage(channels, stage, 1 if number == 1 else 2, groups)
    return chained(stem, body, _classifier(channels, num_classes, dropout))


def _classifier(channels: int, num_classes: int, dropout: float) -> dict[str, nn.Module]:
    layers: dict[str, nn.Module] = {
        "norm": nn.BatchNorm2d(channels, eps=_EPS),
        "relu": nn.ReLU(inplace=True),
        "pool": nn.AdaptiveAvgPool2d(1),
    }
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    return layers | {"classifier": nn.Conv2d(channels, num_classes, 1), "flatten": nn.Flatten()}


_PAPER = "Dual Path Networks, arXiv 1707.01629"

NETWORKS = {
    "dpn92": Network(dpn92, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "dpn98": Network(dpn98, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "dpn131": Network(dpn131, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "dpn_small": Network(dpn_small, year=2017, input_shape=(3, 32, 32), paper=_PAPER),
}
