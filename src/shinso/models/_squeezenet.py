"""SqueezeNet (Iandola et al., 2016, arXiv 1602.07360; lecture 003, figure 27): fire modules, and no linear layer."""

from torch import nn

from shinso.models._concatenated import Concatenated, chain
from shinso.models._fan_in import he_by_fan_in
from shinso.models._initialized import fan_in_uniform, initialized
from shinso.models._least_size import LeastSize
from shinso.models._network import Network

# For each fire module the channels it squeezes to, and those that its 1×1 and its 3×3 convolution expand to.
_Fire = tuple[int, int]
_POOL = "pool"
# Table 1: fire2 to fire9.
_VERSION_1_0 = ((16, 64), (16, 64), (32, 128), _POOL, (32, 128), (48, 192), (48, 192), (64, 256), _POOL, (64, 256))
# Of the authors' release of version 1.1: the same fire modules, pooled earlier.
_VERSION_1_1 = ((16, 64), (16, 64), _POOL, (32, 128), (32, 128), _POOL, (48, 192), (48, 192), (64, 256), (64, 256))
_SMALL = ((16, 48), (16, 48), _POOL, (32, 96), (32, 96))
_Table = tuple[_Fire | str, ...]


def squeezenet1_0(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """SqueezeNet 1.0 (table 1): ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``.

    The first convolution is not padded, as in torchvision and Caffe: 109×109, not the table's 111×111, which it has
    for images of 227×227.
    """
    stem = nn.Conv2d(in_channels, 96, 7, stride=2)
    return _squeezenet(LeastSize(21, instead="squeezenet_small"), stem, _VERSION_1_0, num_classes, dropout)


def squeezenet1_0_227(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """SqueezeNet 1.0 for images of 227×227 pixels, the size of the authors' release; the same as ``squeezenet1_0``."""
    return squeezenet1_0(num_classes=num_classes, in_channels=in_channels, dropout=dropout)


def squeezenet1_1(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """SqueezeNet 1.1 (the authors' release), 2.35 times less work: ``[batch, in_channels, 224, 224]`` to
    ``[batch, num_classes]``.
    """
    stem = nn.Conv2d(in_channels, 64, 3, stride=2)
    return _squeezenet(LeastSize(17, instead="squeezenet_small"), stem, _VERSION_1_1, num_classes, dropout)


def squeezenet_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """SqueezeNet for 32×32 and 28×28 images: four fire modules, a first convolution of stride 1.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``. Its last convolution is not rectified:
    with a short training, classes whose logits are 0 everywhere would stay so. He initialisation over the fan-in.
    """
    stem = nn.Conv2d(in_channels, 48, 3, padding=1)
    network = _squeezenet(LeastSize(4, instead="mlp"), stem, _SMALL, num_classes, dropout)
    network.relu6 = nn.Identity()
    return he_by_fan_in(network)


def _squeezenet(least_size: LeastSize, stem: nn.Conv2d, table: _Table, num_classes: int, dropout: float) -> nn.Module:
    """Initialised as in the authors' release: uniform with variance 1 over the fan-in, but the last convolution normal
    with standard deviation 0.01; biases 0.
    """
    layers: dict[str, nn.Module] = {
        "least_size": least_size,
        "conv1": stem,
        "relu1": nn.ReLU(inplace=True),
        "pool1": nn.MaxPool2d(3, 2, ceil_mode=True),
    }
    channels, number = stem.out_channels, 1
    for row in table:
        if isinstance(row, str):
            layers[f"pool{number}"] = nn.MaxPool2d(3, 2, ceil_mode=True)
            continue
        number += 1
        layers[f"fire{number}"] = _fire(channels, *row)
        channels = 2 * row[1]
    last = nn.Conv2d(channels, num_classes, 1)
    layers |= {
        "dropout": nn.Dropout(dropout),
        f"conv{number + 1}": last,
        f"relu{number + 1}": nn.ReLU(inplace=True),
        f"pool{number + 1}": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
    }
    network = initialized(chain(**layers), fan_in_uniform)
    nn.init.normal_(last.weight, std=0.01)
    return network


def _fire(in_channels: int, squeezed: int, expanded: int) -> nn.Sequential:
    """Figure 1 of the paper: a 1×1 convolution to few channels, then 1×1 and 3×3 convolutions side by side."""
    expand = Concatenated(
        {
            "expand1x1": nn.Conv2d(squeezed, expanded, 1),
            "expand3x3": nn.Conv2d(squeezed, expanded, 3, padding=1),
        }
    )
    # Rectified together, and not each by itself: one tensor less is kept for the backward pass.
    return chain(
        squeeze=nn.Conv2d(in_channels, squeezed, 1),
        squeeze_relu=nn.ReLU(inplace=True),
        expand=expand,
        expand_relu=nn.ReLU(inplace=True),
    )


_PAPER = "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, arXiv 1602.07360"

NETWORKS = {
    "squeezenet1_0": Network(squeezenet1_0, 2016, (3, 224, 224), _PAPER),
    "squeezenet1_1": Network(squeezenet1_1, 2016, (3, 224, 224), _PAPER),
    "squeezenet1_0_227": Network(squeezenet1_0_227, 2016, (3, 227, 227), _PAPER),
    "squeezenet_small": Network(squeezenet_small, 2016, (3, 32, 32), _PAPER),
}
