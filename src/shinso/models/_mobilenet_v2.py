"""MobileNet, version 2: inverted residuals with linear bottlenecks (Sandler et al., 2018, arXiv 1801.04381; lecture
003, figures 29 and 30).

The paper names no initialisation: it is He's over the fan-in. Dropout is that of the authors' release.
"""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._fan_in import he_by_fan_in
from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier

# Table 2 between the first convolution and the last: expansion factor, channels, repeats, stride of the first.
_TABLE = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_FIRST, _LAST = 32, 1280

_SMALL_TABLE = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 2, 2),
    (6, 64, 1, 1),
)
_SMALL_LAST = 256


def mobilenet_v2_100(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> nn.Module:
    """MobileNetV2 1.0 (table 2); ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``."""
    return _mobilenet_v2(num_classes, in_channels, dropout, width=1.0)


def mobilenet_v2_140(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> nn.Module:
    """MobileNetV2 1.4 (table 4), every layer 1.4 times as wide; ``[batch, in_channels, height, width]`` to
    ``[batch, num_classes]``.

    Widths are rounded to multiples of 8, as in the public implementations: 6.1 million parameters, of which the paper
    says 6.9 million.
    """
    return _mobilenet_v2(num_classes, in_channels, dropout, width=1.4)


def mobilenet_v2_small(*, num_classes: int = 10, in_channels: int = 3, width: float = 1.0) -> nn.Module:
    """MobileNetV2 for 32×32 and 28×28 images: the first stages alone, halving height and width twice.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``. Raises ValueError for a width that is not
    positive.
    """
    return _mobilenet_v2(
        num_classes, in_channels, 0.0, width=width, table=_SMALL_TABLE, last=_SMALL_LAST, stem_stride=1
    )


def _mobilenet_v2(
    num_classes: int,
    in_channels: int,
    dropout: float,
    *,
    width: float,
    table: tuple[tuple[int, int, int, int], ...] = _TABLE,
    last: int = _LAST,
    stem_stride: int = 2,
) -> nn.Module:
    if width <= 0:
        raise ValueError(f"MobileNetV2's width must be above 0; got {width}")
    channels = _multiple_of_8(_FIRST * width)
    layers: dict[str, nn.Module] = {"stem": ConvNorm(in_channels, channels, stride=stem_stride, activation=nn.ReLU6)}
    for number, (expansion, row_channels, repeats, first_stride) in enumerate(table, start=1):
        stage = nn.Sequential()
        for stride in (first_stride, *[1] * (repeats - 1)):
            stage.append(InvertedResidual(channels, _multiple_of_8(row_channels * width), stride, expansion))
            channels = _multiple_of_8(row_channels * width)
        layers[f"stage{number}"] = stage
    # Section 6.1: multipliers below 1 leave the last convolution as wide as it is.
    last_channels = _multiple_of_8(last * max(1.0, width))
    layers["last"] = ConvNorm(channels, last_channels, 1, activation=nn.ReLU6)
    return he_by_fan_in(nn.Sequential(OrderedDict(layers | pooled_classifier(last_channels, num_classes, dropout))))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project without activation; added to the input where the shape is kept (table 1).

    Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height / stride, width / stride]``.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = in_channels * expansion
        self.layers = nn.Sequential()
        if expansion != 1:
            self.layers.add_module("expansion", ConvNorm(in_channels, width, 1, activation=nn.ReLU6))
        depthwise = ConvNorm(width, width, stride=stride, groups=width, activation=nn.ReLU6)
        self.layers.add_module("depthwise", depthwise)
        self.layers.add_module("projection", ConvNorm(width, out_channels, 1, activation=None))
        self.has_shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        output: Tensor = self.layers(x)
        return x + output if self.has_shortcut else output


def _multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, at least 8; the next one where the nearest would lose over a tenth."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


_PAPER = "MobileNetV2: Inverted Residuals and Linear Bottlenecks, arXiv 1801.04381"

NETWORKS = {
    "mobilenet_v2_100": Network(mobilenet_v2_100, year=2018, input_shape=(3, 224, 224), paper=_PAPER),
    "mobilenet_v2_140": Network(mobilenet_v2_140, year=2018, input_shape=(3, 224, 224), paper=_PAPER),
    "mobilenet_v2_small": Network(mobilenet_v2_small, year=2018, input_shape=(3, 32, 32), paper=_PAPER),
}
