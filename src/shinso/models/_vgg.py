"""VGG (Simonyan and Zisserman, 2014, arXiv 1409.1556; lecture 003, section on network architectures; lecture 000, the
pages of Santurkar et al. and the table of ILSVRC 2014).

With batch normalisation, which came later, convolutions keep their biases, as torchvision's do. Images of another size
than 224×224 are averaged (or repeated) to 7×7 before the linear layers.
"""

from torch import nn

from shinso.models._concatenated import chain
from shinso.models._initialized import initialized
from shinso.models._least_size import LeastSize
from shinso.models._network import Network

Stages = tuple[tuple[int, ...], ...]

# Table 1: the channels of the 3×3 convolutions before each pooling. (Configuration C has 1×1 convolutions too.)
_A: Stages = ((64,), (128,), (256, 256), (512, 512), (512, 512))
_B: Stages = ((64, 64), (128, 128), (256, 256), (512, 512), (512, 512))
_D: Stages = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_E: Stages = ((64, 64), (128, 128), (256, 256, 256, 256), (512, 512, 512, 512), (512, 512, 512, 512))
_SMALL: Stages = ((16, 16), (32, 32), (64, 64))


def vgg11(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-11, configuration A: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_A, num_classes, in_channels, dropout)


def vgg11_bn(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-11 with batch normalisation: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_A, num_classes, in_channels, dropout, batch_norm=True)


def vgg13(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-13, configuration B: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_B, num_classes, in_channels, dropout)


def vgg13_bn(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-13 with batch normalisation: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_B, num_classes, in_channels, dropout, batch_norm=True)


def vgg16(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-16, configuration D: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_D, num_classes, in_channels, dropout)


def vgg16_bn(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-16 with batch normalisation: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_D, num_classes, in_channels, dropout, batch_norm=True)


def vgg19(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-19, configuration E: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_E, num_classes, in_channels, dropout)


def vgg19_bn(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """VGG-19 with batch normalisation: ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``."""
    return _vgg(_E, num_classes, in_channels, dropout, batch_norm=True)


def vgg_small(
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0, batch_norm: bool = False
) -> nn.Module:
    """VGG for 32×32 and 28×28 images: three stages of two convolutions, and linear layers of 128 units.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.
    """
    return _vgg(_SMALL, num_classes, in_channels, dropout, batch_norm=batch_norm, side=2, width=128)


def _vgg(
    stages: Stages,
    num_classes: int,
    in_channels: int,
    dropout: float,
    *,
    batch_norm: bool = False,
    side: int = 7,
    width: int = 4096,
) -> nn.Module:
    """The network of a column of table 1, its last image pooled to ``side``, with hidden layers of ``width``.

    Initialised after Glorot and Bengio (2010), which the authors found to do without pre-training (section 3.1,
    footnote): weights uniform with variance 2 over the sum of fan-in and fan-out; biases 0.
    """
    layers: dict[str, nn.Module] = {
        "least_size": LeastSize(2 ** len(stages), instead="vgg_small" if side == 7 else "lenet5")
    }
    for number, channels in enumerate(stages, start=1):
        layers[f"stage{number}"] = _stage(in_channels, channels, batch_norm)
        in_channels = channels[-1]
    layers |= {
        "pool": nn.AdaptiveAvgPool2d(side),
        "flatten": nn.Flatten(),
        "classifier": chain(
            linear1=nn.Linear(in_channels * side * side, width),
            relu1=nn.ReLU(inplace=True),
            dropout1=nn.Dropout(dropout),
            linear2=nn.Linear(width, width),
            relu2=nn.ReLU(inplace=True),
            dropout2=nn.Dropout(dropout),
            linear3=nn.Linear(width, num_classes),
        ),
    }
    return initialized(chain(**layers), nn.init.xavier_uniform_)


def _stage(in_channels: int, table: tuple[int, ...], batch_norm: bool) -> nn.Sequential:
    """Rectified 3×3 convolutions of these channels, then pooling."""
    stage = nn.Sequential()
    for number, channels in enumerate(table, start=1):
        stage.add_module(f"conv{number}", nn.Conv2d(in_channels, channels, 3, padding=1))
        if batch_norm:
            stage.add_module(f"norm{number}", nn.BatchNorm2d(channels))
        stage.add_module(f"relu{number}", nn.ReLU(inplace=True))
        in_channels = channels
    stage.add_module("pool", nn.MaxPool2d(2))
    return stage


_PAPER = "Very Deep Convolutional Networks for Large-Scale Image Recognition, arXiv 1409.1556"

NETWORKS = {
    function.__name__: Network(function, 2014, (3, 224, 224), _PAPER)
    for function in (vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn)
} | {"vgg_small": Network(vgg_small, 2014, (3, 32, 32), _PAPER)}
