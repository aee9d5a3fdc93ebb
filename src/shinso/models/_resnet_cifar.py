"""Residual networks for CIFAR (He et al., 2016, "Deep Residual Learning for Image Recognition", arXiv 1512.03385,
section 4.2 and table 6; lectures 001 and 003).

They map ``[batch, 3, 32, 32]`` to ``[batch, 10]``; other sizes work too. A 3×3 convolution, then three stages of n
basic blocks with 16, 32 and 64 channels: depth 6n+2. The paper's shortcuts have no parameters (option A); those named
optB project with a 1×1 convolution and batch normalisation where shapes change. Initialised after He et al. (2015), as
the paper says.
"""

from torch import nn

from shinso.models._network import Network
from shinso.models._parts import ConvNorm, he_initialized
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._residual_blocks import basic_block, chained, stages
from shinso.models._resnet import resnet


def resnet20_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-20: 269,722 parameters."""
    return _option_a(20, num_classes, in_channels, dropout)


def resnet32_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-32: 464,154 parameters."""
    return _option_a(32, num_classes, in_channels, dropout)


def resnet44_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-44: 658,586 parameters."""
    return _option_a(44, num_classes, in_channels, dropout)


def resnet56_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-56: 853,018 parameters."""
    return _option_a(56, num_classes, in_channels, dropout)


def resnet110_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-110: 1,727,962 parameters. The paper starts it with a learning rate of 0.01."""
    return _option_a(110, num_classes, in_channels, dropout)


def resnet1202_cifar(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-1202: 19,421,274 parameters."""
    return _option_a(1202, num_classes, in_channels, dropout)


def resnet20_cifar_optB(  # noqa: N802
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0
) -> nn.Module:
    """ResNet-20 with projections: 272,474 parameters."""
    return _option_b(20, num_classes, in_channels, dropout)


def resnet32_cifar_optB(  # noqa: N802
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0
) -> nn.Module:
    """ResNet-32 with projections: 466,906 parameters."""
    return _option_b(32, num_classes, in_channels, dropout)


def resnet44_cifar_optB(  # noqa: N802
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0
) -> nn.Module:
    """ResNet-44 with projections: 661,338 parameters."""
    return _option_b(44, num_classes, in_channels, dropout)


def resnet56_cifar_optB(  # noqa: N802
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0
) -> nn.Module:
    """ResNet-56 with projections: 855,770 parameters."""
    return _option_b(56, num_classes, in_channels, dropout)


def resnet110_cifar_optB(  # noqa: N802
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0
) -> nn.Module:
    """ResNet-110 with projections: 1,730,714 parameters."""
    return _option_b(110, num_classes, in_channels, dropout)


def resnet1202_cifar_optB(  # noqa: N802
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0
) -> nn.Module:
    """ResNet-1202 with projections: 19,424,026 parameters."""
    return _option_b(1202, num_classes, in_channels, dropout)


def resnet_cifar_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """ResNet-14 (option A) for images of 32×32 or 28×28 pixels: 172,506 parameters."""
    return _option_a(14, num_classes, in_channels, dropout)


def _option_a(depth: int, num_classes: int, in_channels: int, dropout: float) -> nn.Module:
    return he_initialized(resnet(depth=depth, num_classes=num_classes, in_channels=in_channels, dropout=dropout))


def _option_b(depth: int, num_classes: int, in_channels: int, dropout: float) -> nn.Module:
    blocks = (depth - 2) // 6
    return chained(
        {"stem": ConvNorm(in_channels, 16)},
        stages(basic_block, 16, (16, 32, 64), (blocks, blocks, blocks)),
        pooled_classifier(64, num_classes, dropout),
    )


_PAPER = "Deep Residual Learning for Image Recognition, arXiv 1512.03385"
_SMALL_IMAGE = (3, 32, 32)

NETWORKS = {
    "resnet20_cifar": Network(resnet20_cifar, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet32_cifar": Network(resnet32_cifar, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet44_cifar": Network(resnet44_cifar, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet56_cifar": Network(resnet56_cifar, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet110_cifar": Network(resnet110_cifar, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet1202_cifar": Network(resnet1202_cifar, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet20_cifar_optB": Network(resnet20_cifar_optB, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet32_cifar_optB": Network(resnet32_cifar_optB, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet44_cifar_optB": Network(resnet44_cifar_optB, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet56_cifar_optB": Network(resnet56_cifar_optB, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet110_cifar_optB": Network(resnet110_cifar_optB, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet1202_cifar_optB": Network(resnet1202_cifar_optB, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
    "resnet_cifar_small": Network(resnet_cifar_small, year=2015, input_shape=_SMALL_IMAGE, paper=_PAPER),
}
