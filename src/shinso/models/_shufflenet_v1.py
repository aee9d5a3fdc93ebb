"""ShuffleNet, version 1: grouped pointwise convolutions and channel shuffle (Zhang et al., 2017, arXiv 1707.01083;
lecture 003, figure 31).

The classifier has a bias. The paper names no initialisation: it is He's over the fan-in.
"""

from collections import OrderedDict
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._fan_in import he_by_fan_in
from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier

# Table 1: channels of stages 2, 3 and 4 by the number of groups, and the units of each stage.
_CHANNELS = {1: (144, 288, 576), 2: (200, 400, 800), 3: (240, 480, 960), 4: (272, 544, 1088), 8: (384, 768, 1536)}
_UNITS = (4, 8, 4)
_FIRST = 24


def shufflenet_v1_g1_x1_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 1×, one group; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=1)


def shufflenet_v1_g2_x1_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 1×, 2 groups; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=2)


def shufflenet_v1_g3_x1_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 1×, 3 groups; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=3)


def shufflenet_v1_g4_x1_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 1×, 4 groups; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=4)


def shufflenet_v1_g8_x1_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 1×, 8 groups; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=8)


def shufflenet_v1_g3_x0_25(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 0.25×, 3 groups, the stem scaled too (table 2 says 13 million products for a stem of 12 channels;
    with 6 they are 11 million); ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.
    """
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=3, width=0.25)


def shufflenet_v1_g3_x0_5(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 0.5×, 3 groups; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=3, width=0.5)


def shufflenet_v1_g3_x2_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ShuffleNet 2×, 3 groups; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _shufflenet_v1(num_classes, in_channels, dropout, groups=3, width=2.0)


def shufflenet_v1_small(*, num_classes: int = 10, in_channels: int = 3, groups: int = 3) -> nn.Module:
    """ShuffleNet 1× for 32×32 and 28×28 images: a stem that keeps their size, and two stages of half the units.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``. Raises ValueError for a number of groups
    that is not in table 1.
    """
    return _shufflenet_v1(num_classes, in_channels, 0.0, groups=groups, units=(2, 4), small_images=True)


def _shufflenet_v1(
    num_classes: int,
    in_channels: int,
    dropout: float,
    *,
    groups: int,
    width: float = 1.0,
    units: tuple[int, ...] = _UNITS,
    small_images: bool = False,
) -> nn.Module:
    if groups not in _CHANNELS:
        raise ValueError(f"ShuffleNet's groups must be one of {', '.join(map(str, _CHANNELS))}; got {groups}")
    channels = int(_FIRST * width)
    layers: dict[str, nn.Module] = {"stem": ConvNorm(in_channels, channels, stride=1 if small_images else 2)}
    if not small_images:
        layers["stem_pool"] = nn.MaxPool2d(3, 2, padding=1)
    for number, (table_channels, repeats) in enumerate(zip(_CHANNELS[groups], units, strict=False), start=2):
        out_channels = int(table_channels * width)
        # The first pointwise convolution of stage 2 has too few channels to be split (section 3.2).
        first = ShuffleUnit(channels, out_channels, groups, stride=2, first_groups=1 if number == 2 else groups)
        rest = (ShuffleUnit(out_channels, out_channels, groups) for _ in range(repeats - 1))
        layers[f"stage{number}"] = nn.Sequential(first, *rest)
        channels = out_channels
    return he_by_fan_in(nn.Sequential(OrderedDict(layers | pooled_classifier(channels, num_classes, dropout))))


class ShuffleUnit(nn.Module):
    """Grouped pointwise convolution, channel shuffle, depthwise and grouped pointwise convolution (figure 2b), added to
    the input; with stride 2 the pooled input is joined to it instead (figure 2c).

    Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height / stride, width / stride]``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, groups: int, stride: int = 1, first_groups: int | None = None
    ) -> None:
        super().__init__()
        width = out_channels // 4
        joined = in_channels if stride == 2 else 0
        self.layers = nn.Sequential(
            OrderedDict(
                compress=ConvNorm(in_channels, width, 1, groups=groups if first_groups is None else first_groups),
                shuffle=nn.ChannelShuffle(groups),
                depthwise=ConvNorm(width, width, stride=stride, groups=width, activation=None),
                expand=ConvNorm(width, out_channels - joined, 1, groups=groups, activation=None),
            )
        )
        self.pool = nn.AvgPool2d(3, 2, padding=1) if stride == 2 else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        residual = self.layers(x)
        output: Tensor = self.relu(x + residual if self.pool is None else torch.cat((self.pool(x), residual), dim=1))
        return output


_network = partial(
    Network,
    year=2017,
    input_shape=(3, 224, 224),
    paper="ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices, arXiv 1707.01083",
)

NETWORKS = {
    "shufflenet_v1_g1_x1_0": _network(shufflenet_v1_g1_x1_0),
    "shufflenet_v1_g2_x1_0": _network(shufflenet_v1_g2_x1_0),
    "shufflenet_v1_g3_x1_0": _network(shufflenet_v1_g3_x1_0),
    "shufflenet_v1_g4_x1_0": _network(shufflenet_v1_g4_x1_0),
    "shufflenet_v1_g8_x1_0": _network(shufflenet_v1_g8_x1_0),
    "shufflenet_v1_g3_x0_25": _network(shufflenet_v1_g3_x0_25),
    "shufflenet_v1_g3_x0_5": _network(shufflenet_v1_g3_x0_5),
    "shufflenet_v1_g3_x2_0": _network(shufflenet_v1_g3_x2_0),
    "shufflenet_v1_small": _network(shufflenet_v1_small, input_shape=(3, 32, 32)),
}
