"""Depthwise and depthwise separable convolution (Howard et al., 2017, "MobileNets", arXiv 1704.04861, section 3.1;
lecture 003, equations 59 to 61).
"""

from collections import OrderedDict
from fractions import Fraction

from torch import nn

from shinso.nn._pair import IntPair, pair, positive_pair


def depthwise_conv2d(
    channels: int,
    kernel_size: IntPair,
    stride: IntPair = 1,
    padding: IntPair = 0,
    dilation: IntPair = 1,
    *,
    multiplier: int = 1,
    bias: bool = True,
) -> nn.Conv2d:
    """A convolution with as many groups as channels: each channel is convolved by itself (equation 59).

    Maps ``[batch, channels, height, width]`` to ``[batch, channels · multiplier, height', width']``.
    """
    return nn.Conv2d(
        channels, channels * multiplier, kernel_size, stride, pair(padding), dilation, groups=channels, bias=bias
    )


class DepthwiseSeparableConv2d(nn.Sequential):
    """A depthwise convolution, then a 1×1 convolution that mixes the channels, with nothing in between.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height', width']``. Only the 1×1 convolution
    can have a bias: one before it would change nothing that its own does not. MobileNet puts batch normalisation and
    ReLU after both.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntPair,
        stride: IntPair = 1,
        padding: IntPair = 0,
        dilation: IntPair = 1,
        *,
        bias: bool = True,
    ) -> None:
        layers: dict[str, nn.Module] = {
            "depthwise": depthwise_conv2d(in_channels, kernel_size, stride, padding, dilation, bias=False),
            "pointwise": nn.Conv2d(in_channels, out_channels, 1, bias=bias),
        }
        super().__init__(OrderedDict(layers))


def conv_weights(in_channels: int, out_channels: int, kernel_size: IntPair, groups: int = 1) -> int:
    """k² C C' / groups: how many weights a convolution has, and multiply-accumulates at each position of its output."""
    height, width = positive_pair("kernel_size", kernel_size)
    if in_channels % groups or out_channels % groups:
        raise ValueError(f"{groups} groups must divide the channels; got {in_channels} in and {out_channels} out")
    return height * width * in_channels * out_channels // groups


def depthwise_separable_weights(in_channels: int, out_channels: int, kernel_size: IntPair) -> int:
    """k² C + C C', equation 60: weights, and multiply-accumulates at each position of the output.

    >>> depthwise_separable_weights(64, 128, 3), conv_weights(64, 128, 3)
    (8768, 73728)
    """
    return conv_weights(in_channels, in_channels, kernel_size, groups=in_channels) + in_channels * out_channels


def depthwise_separable_ratio(out_channels: int, kernel_size: IntPair) -> Fraction:
    """1 / C' + 1 / k², equation 61: what is left of an ordinary convolution's weights and multiply-accumulates.

    >>> depthwise_separable_ratio(128, 3)
    Fraction(137, 1152)
    """
    height, width = positive_pair("kernel_size", kernel_size)
    return Fraction(1, out_channels) + Fraction(1, height * width)
