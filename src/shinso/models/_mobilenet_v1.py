"""MobileNet, version 1 (Howard et al., 2017, arXiv 1704.04861; lecture 003, equations 59-61 and figure 28).

As in the authors' release, whose weights are the published ones, activations are clipped at 6 (the paper draws ReLU).
The paper names no initialisation: it is He's over the fan-in.
"""

from collections import OrderedDict

from torch import nn

from shinso.models._fan_in import he_by_fan_in
from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier

# Table 1 after the first convolution, which has the width of the first row: for each depthwise separable
# convolution its channels and stride, a line for each stage.
_TABLE = (
    ((64, 1),),
    ((128, 2), (128, 1)),
    ((256, 2), (256, 1)),
    ((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    ((1024, 2), (1024, 1)),
)
_SMALL_TABLE = (
    ((64, 1),),
    ((128, 2), (128, 1)),
    ((256, 2), (256, 1)),
)


def mobilenet_v1_100(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """MobileNet 1.0 (tables 1 and 6); ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _mobilenet_v1(num_classes, in_channels, dropout, width=1.0)


def mobilenet_v1_075(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """MobileNet 0.75 (table 6), three quarters as wide; ``[batch, in_channels, height, width]`` to
    ``[batch, num_classes]``.
    """
    return _mobilenet_v1(num_classes, in_channels, dropout, width=0.75)


def mobilenet_v1_050(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """MobileNet 0.5 (table 6), half as wide; ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _mobilenet_v1(num_classes, in_channels, dropout, width=0.5)


def mobilenet_v1_025(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """MobileNet 0.25 (table 6), a quarter as wide; ``[batch, in_channels, height, width]`` to
    ``[batch, num_classes]``.
    """
    return _mobilenet_v1(num_classes, in_channels, dropout, width=0.25)


def mobilenet_v1_small(*, num_classes: int = 10, in_channels: int = 3, width: float = 1.0) -> nn.Module:
    """MobileNet for 32×32 and 28×28 images: the first stages alone, halving height and width twice.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``. Raises ValueError for a width of no
    channels.
    """
    return _mobilenet_v1(num_classes, in_channels, 0.0, width=width, table=_SMALL_TABLE, stem_stride=1)


def _mobilenet_v1(
    num_classes: int,
    in_channels: int,
    dropout: float,
    *,
    width: float,
    table: tuple[tuple[tuple[int, int], ...], ...] = _TABLE,
    stem_stride: int = 2,
) -> nn.Module:
    channels = int(32 * width)
    if channels < 1:
        raise ValueError(f"MobileNet's width must be at least 1/32, which leaves one channel; got {width}")
    layers: dict[str, nn.Module] = {"stem": ConvNorm(in_channels, channels, stride=stem_stride, activation=nn.ReLU6)}
    for number, rows in enumerate(table, start=1):
        stage = nn.Sequential()
        for row_channels, stride in rows:
            stage.append(_depthwise_separable(channels, int(row_channels * width), stride))
            channels = int(row_channels * width)
        layers[f"stage{number}"] = stage
    return he_by_fan_in(nn.Sequential(OrderedDict(layers | pooled_classifier(channels, num_classes, dropout))))


def _depthwise_separable(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Each channel filtered by itself, then mixed: 1/out_channels + 1/9 of a 3×3 convolution's weights and products
    (lecture 003, equation 61; the paper, section 3.1).
    """
    return nn.Sequential(
        OrderedDict(
            depthwise=ConvNorm(in_channels, in_channels, stride=stride, groups=in_channels, activation=nn.ReLU6),
            pointwise=ConvNorm(in_channels, out_channels, 1, activation=nn.ReLU6),
        )
    )


_PAPER = "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, arXiv 1704.04861"

NETWORKS = {
    "mobilenet_v1_100": Network(mobilenet_v1_100, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "mobilenet_v1_075": Network(mobilenet_v1_075, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "mobilenet_v1_050": Network(mobilenet_v1_050, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "mobilenet_v1_025": Network(mobilenet_v1_025, year=2017, input_shape=(3, 224, 224), paper=_PAPER),
    "mobilenet_v1_small": Network(mobilenet_v1_small, year=2017, input_shape=(3, 32, 32), paper=_PAPER),
}
