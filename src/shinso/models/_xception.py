"""Xception: depthwise separable convolutions with shortcuts (Chollet, 2016, arXiv 1610.02357; lecture 003).

The paper names no initialisation: it is He's over the fan-in.
"""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._fan_in import he_by_fan_in
from shinso.models._least_size import LeastSize
from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier

# Figure 5, each block a line: the channels of its separable convolutions, and whether it ends with pooling.
_ENTRY = (
    ((128, 128), True),
    ((256, 256), True),
    ((728, 728), True),
)
_MIDDLE = (((728, 728, 728), False),) * 8
_EXIT = (((728, 1024), True),)
_LAST = (1536, 2048)

_SMALL_BLOCKS = (
    ((64, 64), True),
    ((128, 128), True),
    ((128, 128, 128), False),
)
_SMALL_LAST = (256,)


def xception(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """Xception (figure 5), without the optional fully connected layers; ``[batch, in_channels, height, width]`` to
    ``[batch, num_classes]``, from 7×7 pixels on: the stem pads nothing.
    """
    stem = OrderedDict(
        size=LeastSize(7, instead="xception_small"),
        conv1=ConvNorm(in_channels, 32, stride=2, padding=0),
        conv2=ConvNorm(32, 64, padding=0),
    )
    return _xception(nn.Sequential(stem), 64, _ENTRY + _MIDDLE + _EXIT, _LAST, num_classes, dropout)


def xception_small(*, num_classes: int = 10, in_channels: int = 3) -> nn.Module:
    """Xception for 32×32 and 28×28 images: a stem that keeps their size, two blocks that halve it, one that does not.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.
    """
    return _xception(ConvNorm(in_channels, 32), 32, _SMALL_BLOCKS, _SMALL_LAST, num_classes, 0.0)


def _xception(
    stem: nn.Module,
    channels: int,
    blocks: tuple[tuple[tuple[int, ...], bool], ...],
    last: tuple[int, ...],
    num_classes: int,
    dropout: float,
) -> nn.Module:
    layers = {"stem": stem}
    for number, (widths, pools) in enumerate(blocks, start=1):
        # The stem has rectified its output already.
        layers[f"block{number}"] = XceptionBlock(channels, widths, pools, starts_with_relu=number > 1)
        channels = widths[-1]
    for number, width in enumerate(last, start=1):
        layers[f"separable{number}"] = _separable(channels, width)
        layers[f"relu{number}"] = nn.ReLU(inplace=True)
        channels = width
    return he_by_fan_in(nn.Sequential(OrderedDict(layers | pooled_classifier(channels, num_classes, dropout))))


class XceptionBlock(nn.Module):
    """Rectified separable convolutions, pooled if ``pools``, plus the input, which a strided pointwise convolution
    fits where shapes change.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, widths[-1], h, w]``, half the size if ``pools``.
    """

    def __init__(self, in_channels: int, widths: tuple[int, ...], pools: bool, starts_with_relu: bool) -> None:
        super().__init__()
        self.shortcut: nn.Module = nn.Identity()
        if pools or in_channels != widths[-1]:
            self.shortcut = ConvNorm(in_channels, widths[-1], 1, stride=2 if pools else 1, activation=None)
        self.layers = nn.Sequential()
        for number, (channels, width) in enumerate(zip((in_channels, *widths), widths, strict=False), start=1):
            if number > 1 or starts_with_relu:
                # The first must leave its input to the shortcut as it is.
                self.layers.add_module(f"relu{number}", nn.ReLU(inplace=number > 1))
            self.layers.add_module(f"separable{number}", _separable(channels, width))
        if pools:
            self.layers.add_module("pool", nn.MaxPool2d(3, 2, padding=1))

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        output: Tensor = self.layers(x) + self.shortcut(x)
        return output


def _separable(in_channels: int, out_channels: int) -> nn.Sequential:
    """Depthwise and pointwise convolution with nothing in between (section 4.7), then batch normalisation."""
    return nn.Sequential(
        OrderedDict(
            depthwise=nn.Conv2d(in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False),
            pointwise=nn.Conv2d(in_channels, out_channels, 1, bias=False),
            norm=nn.BatchNorm2d(out_channels),
        )
    )


_PAPER = "Xception: Deep Learning with Depthwise Separable Convolutions, arXiv 1610.02357"

NETWORKS = {
    "xception": Network(xception, year=2016, input_shape=(3, 299, 299), paper=_PAPER),
    "xception_small": Network(xception_small, year=2016, input_shape=(3, 32, 32), paper=_PAPER),
}
