"""ShuffleNet, version 2: channel split and shuffle (Ma et al., 2018, arXiv 1807.11164).

The paper names no initialisation: it is He's over the fan-in.
"""

from collections import OrderedDict

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._fan_in import he_by_fan_in
from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier

# Table 5: channels of the stem, of stages 2, 3 and 4 and of the last convolution; and the units of each stage.
_X0_5 = (24, 48, 96, 192, 1024)
_X1_0 = (24, 116, 232, 464, 1024)
_X1_5 = (24, 176, 352, 704, 1024)
_X2_0 = (24, 244, 488, 976, 2048)
_UNITS = (4, 8, 4)


def shufflenet_v2_x0_5(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet V2 0.5×; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v2(num_classes, in_channels, dropout, _X0_5)


def shufflenet_v2_x1_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet V2 1×; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v2(num_classes, in_channels, dropout, _X1_0)


def shufflenet_v2_x1_5(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet V2 1.5×; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v2(num_classes, in_channels, dropout, _X1_5)


def shufflenet_v2_x2_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet V2 2×, with the widths of the authors' release (244 channels where table 5 has 224);
    ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.
    """
    return _shufflenet_v2(num_classes, in_channels, dropout, _X2_0)


def shufflenet_v2_small(*, num_classes: int = 10, in_channels: int = 3) -> nn.Module:
    """ShuffleNet V2 for 32×32 and 28×28 images: a stem that keeps their size, and two stages.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.
    """
    return _shufflenet_v2(num_classes, in_channels, 0.0, (24, 64, 128, 256), units=(2, 4), small_images=True)


def _shufflenet_v2(
    num_classes: int,
    in_channels: int,
    dropout: float,
    widths: tuple[int, ...],
    *,
    units: tuple[int, ...] = _UNITS,
    small_images: bool = False,
) -> nn.Module:
    channels, *stage_channels, last = widths
    layers: dict[str, nn.Module] = {"stem": ConvNorm(in_channels, channels, stride=1 if small_images else 2)}
    if not small_images:
        layers["stem_pool"] = nn.MaxPool2d(3, 2, padding=1)
    for number, (out_channels, repeats) in enumerate(zip(stage_channels, units, strict=True), start=2):
        rest = (SplitUnit(out_channels) for _ in range(repeats - 1))
        layers[f"stage{number}"] = nn.Sequential(DownsamplingUnit(channels, out_channels), *rest)
        channels = out_channels
    layers["last"] = ConvNorm(channels, last, 1)
    return he_by_fan_in(nn.Sequential(OrderedDict(layers | pooled_classifier(last, num_classes, dropout))))


class SplitUnit(nn.Module):
    """One half of the channels passes unchanged, the other through three convolutions; then both are shuffled
    (figure 3c). Maps ``[batch, channels, height, width]`` to the same shape.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = _layers(channels // 2, channels // 2, stride=1)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel height width"]:
        kept, changed = x.chunk(2, dim=1)
        output: Tensor = self.shuffle(torch.cat((kept, self.layers(changed)), dim=1))
        return output


class DownsamplingUnit(nn.Module):
    """Two branches of half the channels each, both at stride 2, shuffled (figure 3d).

    Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height / 2, width / 2]``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.branch1 = nn.Sequential(
            OrderedDict(
                depthwise=ConvNorm(in_channels, in_channels, stride=2, groups=in_channels, activation=None),
                pointwise=ConvNorm(in_channels, out_channels // 2, 1),
            )
        )
        self.branch2 = _layers(in_channels, out_channels // 2, stride=2)
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        output: Tensor = self.shuffle(torch.cat((self.branch1(x), self.branch2(x)), dim=1))
        return output


def _layers(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            pointwise1=ConvNorm(in_channels, out_channels, 1),
            depthwise=ConvNorm(out_channels, out_channels, stride=stride, groups=out_channels, activation=None),
            pointwise2=ConvNorm(out_channels, out_channels, 1),
        )
    )


_PAPER = "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, arXiv 1807.11164"

NETWORKS = {
    "shufflenet_v2_x0_5": Network(shufflenet_v2_x0_5, year=2018, input_shape=(3, 224, 224), paper=_PAPER),
    "shufflenet_v2_x1_0": Network(shufflenet_v2_x1_0, year=2018, input_shape=(3, 224, 224), paper=_PAPER),
    "shufflenet_v2_x1_5": Network(shufflenet_v2_x1_5, year=2018, input_shape=(3, 224, 224), paper=_PAPER),
    "shufflenet_v2_x2_0": Network(shufflenet_v2_x2_0, year=2018, input_shape=(3, 224, 224), paper=_PAPER),
    "shufflenet_v2_small": Network(shufflenet_v2_small, year=2018, input_shape=(3, 32, 32), paper=_PAPER),
}
