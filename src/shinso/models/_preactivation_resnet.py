"""Residual networks with identity mappings (He et al., 2016, "Identity Mappings in Deep Residual Networks", arXiv
1603.05027; lecture 001: x_L = x_l + Σ f(x_k); lecture 003, figure 20).

Normalisation and rectified units come before each convolution, and nothing after the sum: within a stage the output is
the input plus the residuals of its blocks (equation 4). Those for photographs map ``[batch, 3, 224, 224]`` to ``[batch,
1000]``, those for CIFAR ``[batch, 3, 32, 32]`` to ``[batch, 10]``; other sizes work too. As section 4 and the authors'
release have it, the first block takes its activation right after the stem, a block that changes shapes shares its
activation with the projection, and an activation follows the last sum. Bottlenecks have their stride in the 3×3
convolution. Initialised after He et al. (2015), as the paper says.
"""

from collections import OrderedDict

from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._network import Network
from shinso.models._norm_relu_conv import NormReluConv
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._residual_blocks import Block, ZeroPaddedShortcut, chained, imagenet_stem, stages

_BASIC_CHANNELS = (64, 128, 256, 512)
_BOTTLENECK_CHANNELS = (256, 512, 1024, 2048)

# Blocks in each stage; table 1 of arXiv 1512.03385, and the authors' release for depth 200.
_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}


def preact_resnet18(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-18 with identity mappings, not in the paper: 11,687,720 parameters."""
    return _for_photographs(preactivated_basic_block, 18, num_classes, in_channels, dropout)


def preact_resnet34(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-34 with identity mappings, not in the paper: 21,795,880 parameters."""
    return _for_photographs(preactivated_basic_block, 34, num_classes, in_channels, dropout)


def preact_resnet50(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-50 with identity mappings, not in the paper: 25,549,352 parameters."""
    return _for_photographs(preactivated_bottleneck, 50, num_classes, in_channels, dropout)


def preact_resnet101(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-101 with identity mappings (table 5): 44,541,480 parameters."""
    return _for_photographs(preactivated_bottleneck, 101, num_classes, in_channels, dropout)


def preact_resnet152(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-152 with identity mappings (table 5): 60,185,128 parameters."""
    return _for_photographs(preactivated_bottleneck, 152, num_classes, in_channels, dropout)


def preact_resnet200(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-200 with identity mappings (table 5): 64,666,152 parameters."""
    return _for_photographs(preactivated_bottleneck, 200, num_classes, in_channels, dropout)


def preact_resnet110_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-110 with identity mappings (table 2), shortcuts without parameters: 1,727,962 parameters."""
    return _for_small_images(zero_padded_basic_block, (16, 32, 64), (18, 18, 18), num_classes, in_channels, dropout)


def preact_resnet164_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-164 with identity mappings (table 3), bottlenecks: 1,703,258 parameters."""
    blocks = (18, 18, 18)
    return _for_small_images(preactivated_bottleneck, (64, 128, 256), blocks, num_classes, in_channels, dropout)


def preact_resnet1001_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-1001 with identity mappings (table 3), bottlenecks: 10,327,706 parameters."""
    return _for_small_images(
        preactivated_bottleneck, (64, 128, 256), (111, 111, 111), num_classes, in_channels, dropout
    )


def preact_resnet_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """For images of 32×32 or 28×28 pixels: three stages of 1, 2 and 4 bottlenecks."""
    return _for_small_images(preactivated_bottleneck, (32, 64, 128), (1, 2, 4), num_classes, in_channels, dropout)


class PreactivatedBlock(nn.Module):
    """shortcut(x) + residual(activation(x)); the shortcut is the identity.

    Maps ``[batch, channel, height, width]`` to what residual and shortcut map it to.
    """

    def __init__(self, activation: nn.Module, residual: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.residual = residual
        self.shortcut = shortcut

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        output: Tensor = self.shortcut(x) + self.residual(self.activation(x))
        return output


class ProjectedBlock(nn.Module):
    """shortcut(a) + residual(a) with a = activation(x); the shortcut is a 1×1 convolution.

    Maps ``[batch, channel, height, width]`` to what residual and shortcut map it to.
    """

    def __init__(self, activation: nn.Module, residual: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.residual = residual
        self.shortcut = shortcut

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        a = self.activation(x)
        output: Tensor = self.shortcut(a) + self.residual(a)
        return output


def preactivated_bottleneck(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """A block of 1×1, 3×3 (with the stride) and 1×1 convolutions; where shapes change, a 1×1 projection."""
    width = out_channels // 4
    residual = {
        "conv1": nn.Conv2d(in_channels, width, 1, bias=False),
        "conv2": NormReluConv(width, width, 3, stride),
        "conv3": NormReluConv(width, out_channels, 1),
    }
    return _block(in_channels, out_channels, stride, nn.Sequential(OrderedDict(residual)))


def preactivated_basic_block(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """A block of two 3×3 convolutions, the first with the stride; where shapes change, a 1×1 projection."""
    return _block(in_channels, out_channels, stride, _two_convolutions(in_channels, out_channels, stride))


def zero_padded_basic_block(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """A block of two 3×3 convolutions, the first with the stride; its shortcut has no parameters anywhere."""
    return PreactivatedBlock(
        _activation(in_channels),
        _two_convolutions(in_channels, out_channels, stride),
        ZeroPaddedShortcut(in_channels, out_channels, stride),
    )


def _two_convolutions(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    layers = {
        "conv1": nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
        "conv2": NormReluConv(out_channels, out_channels, 3),
    }
    return nn.Sequential(OrderedDict(layers))


def _block(in_channels: int, out_channels: int, stride: int, residual: nn.Module) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return PreactivatedBlock(_activation(in_channels), residual, nn.Identity())
    projection = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
    return ProjectedBlock(_activation(in_channels), residual, projection)


def _activation(channels: int) -> nn.Module:
    return nn.Sequential(OrderedDict(norm=nn.BatchNorm2d(channels), relu=nn.ReLU(inplace=True)))


def _for_photographs(block: Block, depth: int, num_classes: int, in_channels: int, dropout: float) -> nn.Module:
    channels = _BASIC_CHANNELS if block is preactivated_basic_block else _BOTTLENECK_CHANNELS
    body = stages(block, 64, channels, _BLOCKS[depth])
    # The stem has normalised and rectified what the first block gets.
    body["stage1"].get_submodule("0").activation = nn.Identity()
    return chained(
        imagenet_stem(in_channels),
        body,
        {"activation": _activation(channels[-1])},
        pooled_classifier(channels[-1], num_classes, dropout),
    )


def _for_small_images(
    block: Block, channels: tuple[int, ...], blocks: tuple[int, ...], num_classes: int, in_channels: int, dropout: float
) -> nn.Module:
    return chained(
        {"stem": nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)},
        stages(block, 16, channels, blocks),
        {"activation": _activation(channels[-1])},
        pooled_classifier(channels[-1], num_classes, dropout),
    )


_PAPER = "Identity Mappings in Deep Residual Networks, arXiv 1603.05027"
_PHOTOGRAPH = (3, 224, 224)
_SMALL_IMAGE = (3, 32, 32)

NETWORKS = {
    "preact_resnet18": Network(preact_resnet18, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "preact_resnet34": Network(preact_resnet34, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "preact_resnet50": Network(preact_resnet50, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "preact_resnet101": Network(preact_resnet101, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "preact_resnet152": Network(preact_resnet152, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "preact_resnet200": Network(preact_resnet200, year=2016, input_shape=_PHOTOGRAPH, paper=_PAPER),
    "preact_resnet110_cifar": Network(preact_resnet110_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "preact_resnet164_cifar": Network(preact_resnet164_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "preact_resnet1001_cifar": Network(preact_resnet1001_cifar, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "preact_resnet_small": Network(preact_resnet_small, year=2016, input_shape=_SMALL_IMAGE, paper=_PAPER),
}
