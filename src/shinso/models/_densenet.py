"""Densely connected networks (Huang et al., 2017, "Densely Connected Convolutional Networks", arXiv 1608.06993,
tables 1 and 2; lecture 001 "DenseNet"; lecture 003, figure 21).

Those for photographs map ``[batch, 3, 224, 224]`` to ``[batch, 1000]`` and need 29×29 pixels, those for CIFAR
``[batch, 3, 32, 32]`` to ``[batch, 10]`` and need 4×4. Each layer gets the features of all before it in its block and
adds as many channels as the growth rate. ``dropout`` follows each convolution but the first; the paper has 0.2 where it
trains without augmentation, else none. Initialised after He et al. (2015), as the paper says.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._least_size import LeastSize
from shinso.models._network import Network
from shinso.models._norm_relu_conv import NormReluConv
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._residual_blocks import chained, imagenet_stem

# Layers in the four dense blocks, columns of table 1.
_LAYERS = {
    121: (6, 12, 24, 16),
    169: (6, 12, 32, 32),
    201: (6, 12, 48, 32),
    161: (6, 12, 36, 24),
}


def densenet121(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-121, growth rate 32: 7,978,856 parameters."""
    return _for_photographs(121, 32, num_classes, in_channels, dropout)


def densenet169(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-169, growth rate 32: 14,149,480 parameters."""
    return _for_photographs(169, 32, num_classes, in_channels, dropout)


def densenet201(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-201, growth rate 32: 20,013,928 parameters."""
    return _for_photographs(201, 32, num_classes, in_channels, dropout)


def densenet161(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-161, growth rate 48: 28,681,000 parameters."""
    return _for_photographs(161, 48, num_classes, in_channels, dropout)


def densenet_40_12_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet of depth 40 and growth rate 12: 1,019,722 parameters."""
    return _plain(40, 12, num_classes, in_channels, dropout)


def densenet_100_12_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet of depth 100 and growth rate 12: 6,979,642 parameters."""
    return _plain(100, 12, num_classes, in_channels, dropout)


def densenet_100_24_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet of depth 100 and growth rate 24: 27,249,082 parameters."""
    return _plain(100, 24, num_classes, in_channels, dropout)


def densenet_bc_100_12_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-BC of depth 100 and growth rate 12: 769,162 parameters."""
    return _bottleneck_compressed(100, 12, num_classes, in_channels, dropout)


def densenet_bc_250_24_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-BC of depth 250 and growth rate 24: 15,324,406 parameters."""
    return _bottleneck_compressed(250, 24, num_classes, in_channels, dropout)


def densenet_bc_190_40_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-BC of depth 190 and growth rate 40: 25,624,430 parameters."""
    return _bottleneck_compressed(190, 40, num_classes, in_channels, dropout)


def densenet_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """DenseNet-BC of growth rate 12 for images of 32×32 or 28×28 pixels: blocks of 2, 4 and 8 layers."""
    body, channels = _dense_blocks(bottleneck_dense_layer, 24, 12, (2, 4, 8), 0.5, dropout)
    return chained(_small_stem(in_channels, 24), body, _classifier(channels, num_classes))


class DenseLayer(nn.Module):
    """The input with ``growth_rate`` channels more, made from all of it by ``layers``."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out height width"]:
        return torch.cat((x, self.layers(x)), dim=1)


def dense_layer(in_channels: int, growth_rate: int, dropout: float = 0.0) -> DenseLayer:
    """A 3×3 convolution."""
    return DenseLayer(nn.Sequential(NormReluConv(in_channels, growth_rate, 3), *_dropout(dropout)))


def bottleneck_dense_layer(in_channels: int, growth_rate: int, dropout: float = 0.0) -> DenseLayer:
    """A 1×1 convolution to four times the growth rate, then a 3×3 convolution (B of DenseNet-BC)."""
    width = 4 * growth_rate
    return DenseLayer(
        nn.Sequential(
            NormReluConv(in_channels, width, 1),
            *_dropout(dropout),
            NormReluConv(width, growth_rate, 3),
            *_dropout(dropout),
        )
    )


def transition(in_channels: int, out_channels: int, dropout: float = 0.0) -> nn.Module:
    """A 1×1 convolution and average pooling to half the size."""
    return nn.Sequential(NormReluConv(in_channels, out_channels, 1), *_dropout(dropout), nn.AvgPool2d(2))


def _for_photographs(depth: int, growth_rate: int, num_classes: int, in_channels: int, dropout: float) -> nn.Module:
    channels = 2 * growth_rate
    body, channels_out = _dense_blocks(bottleneck_dense_layer, channels, growth_rate, _LAYERS[depth], 0.5, dropout)
    return chained(
        {"least_size": LeastSize(29, instead="densenet_small")},
        imagenet_stem(in_channels, channels),
        body,
        _classifier(channels_out, num_classes),
    )


def _plain(depth: int, growth_rate: int, num_classes: int, in_channels: int, dropout: float) -> nn.Module:
    """One 3×3 convolution a layer; the stem has 16 channels, and transitions keep them all."""
    layers = ((depth - 4) // 3,) * 3
    body, channels = _dense_blocks(dense_layer, 16, growth_rate, layers, 1.0, dropout)
    return chained(_small_stem(in_channels, 16), body, _classifier(channels, num_classes))


def _bottleneck_compressed(
    depth: int, growth_rate: int, num_classes: int, in_channels: int, dropout: float
) -> nn.Module:
    """Two convolutions a layer; the stem has twice the growth rate, and transitions keep half of the channels."""
    layers = ((depth - 4) // 6,) * 3
    body, channels = _dense_blocks(bottleneck_dense_layer, 2 * growth_rate, growth_rate, layers, 0.5, dropout)
    return chained(_small_stem(in_channels, 2 * growth_rate), body, _classifier(channels, num_classes))


def _dense_blocks(
    layer: Callable[[int, int, float], nn.Module],
    channels: int,
    growth_rate: int,
    layers: Sequence[int],
    compression: float,
    dropout: float,
) -> tuple[dict[str, nn.Module], int]:
    """Blocks with transitions between them, and the channels that come out."""
    body: dict[str, nn.Module] = {}
    for number, count in enumerate(layers, start=1):
        block = [layer(channels + index * growth_rate, growth_rate, dropout) for index in range(count)]
        body[f"block{number}"] = nn.Sequential(*block)
        channels += count * growth_rate
        if number < len(layers):
            kept = int(compression * channels)
            body[f"transition{number}"] = transition(channels, kept, dropout)
            channels = kept
    return body, channels


def _small_stem(in_channels: int, channels: int) -> dict[str, nn.Module]:
    return {
        "least_size": LeastSize(4, instead="another network"),
        "stem": nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
    }


def _classifier(channels: int, num_classes: int) -> dict[str, nn.Module]:
    activation: dict[str, nn.Module] = {"norm": nn.BatchNorm2d(channels), "relu": nn.ReLU(inplace=True)}
    return activation | pooled_classifier(channels, num_classes)


def _dropout(dropout: float) -> list[nn.Module]:
    return [nn.Dropout(dropout)] if dropout else []


_PAPER = "Densely Connected Convolutional Networks, arXiv 1608.06993"
_PHOTOGRAPH = (3, 224, 224)
_SMALL_IMAGE = (3, 32, 32)

NETWORKS = {
    "densenet121": Network(densenet121, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "densenet169": Network(densenet169, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "densenet201": Network(densenet201, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "densenet161": Network(densenet161, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "densenet_40_12_cifar": Network(densenet_40_12_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "densenet_100_12_cifar": Network(densenet_100_12_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "densenet_100_24_cifar": Network(densenet_100_24_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "densenet_bc_100_12_cifar": Network(densenet_bc_100_12_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "densenet_bc_250_24_cifar": Network(densenet_bc_250_24_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "densenet_bc_190_40_cifar": Network(densenet_bc_190_40_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "densenet_small": Network(densenet_small, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
}
