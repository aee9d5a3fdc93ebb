"""AlexNet (Krizhevsky, Sutskever, Hinton, 2012; lecture 001, the slides on Alex-net; lecture 003, section on network
architectures), in its two groups, without them, and as the one-tower network of 2014 (arXiv 1404.5997).

Section 3.5 counts 253,440 neurons in the first layer, which is 55·48·96; the layer described has 55·55·96 = 290,400.
All further counts (186,624, 64,896, 64,896, 43,264, 4,096, 4,096, 1,000) are those of the layers here.

A last adaptive pooling, which does nothing to images of the published size, lets images of other sizes through.
"""

from typing import NamedTuple

from torch import nn

from shinso.models._concatenated import chain
from shinso.models._initialized import fan_in_uniform, initialized, normal
from shinso.models._least_size import LeastSize
from shinso.models._network import Network


class _Conv(NamedTuple):
    """A rectified convolution and what follows it."""

    channels: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    normalized: bool = False
    pooled: bool = False


# Figure 2 and section 3: the two processors meet at the third convolution alone.
_TWO_GROUPS = (
    _Conv(96, 11, stride=4, normalized=True, pooled=True),
    _Conv(256, 5, padding=2, groups=2, normalized=True, pooled=True),
    _Conv(384, 3, padding=1),
    _Conv(384, 3, padding=1, groups=2),
    _Conv(256, 3, padding=1, groups=2, pooled=True),
)
_ONE_TOWER = (
    _Conv(64, 11, stride=4, padding=2, pooled=True),
    _Conv(192, 5, padding=2, pooled=True),
    _Conv(384, 3, padding=1),
    _Conv(256, 3, padding=1),
    _Conv(256, 3, padding=1, pooled=True),
)
_SMALL = (
    _Conv(32, 5, padding=2, normalized=True, pooled=True),
    _Conv(64, 5, padding=2, groups=2, normalized=True, pooled=True),
    _Conv(96, 3, padding=1),
    _Conv(96, 3, padding=1, groups=2),
    _Conv(64, 3, padding=1, groups=2, pooled=True),
)


def alexnet_2012(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """AlexNet as published, in two groups: ``[batch, in_channels, 227, 227]`` to ``[batch, num_classes]``.

    Initialised as in section 5: weights normal with standard deviation 0.01; biases 1 in the second, fourth and fifth
    convolution and in the hidden linear layers, else 0. Its dropout (section 4.2) follows both hidden linear layers.
    """
    network = chain(
        least_size=LeastSize(67, instead="alexnet_small"),
        features=_features(in_channels, _TWO_GROUPS),
        pool=nn.AdaptiveAvgPool2d(6),
        flatten=nn.Flatten(),
        classifier=_classifier(256 * 6 * 6, 4096, num_classes, dropout),
    )
    return _initialized_as_published(network)


def alexnet_2012_ungrouped(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """AlexNet of 2012 for one device, each convolution over all channels; else as ``alexnet_2012``. Not the paper's."""
    network = chain(
        least_size=LeastSize(67, instead="alexnet_small"),
        features=_features(in_channels, tuple(row._replace(groups=1) for row in _TWO_GROUPS)),
        pool=nn.AdaptiveAvgPool2d(6),
        flatten=nn.Flatten(),
        classifier=_classifier(256 * 6 * 6, 4096, num_classes, dropout),
    )
    return _initialized_as_published(network)


def alexnet_torchvision(*, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """The one-tower AlexNet of 2014 (arXiv 1404.5997), without response normalisation, as torchvision builds it.

    Maps ``[batch, in_channels, 224, 224]`` to ``[batch, num_classes]``. Dropout precedes both hidden linear layers. The
    paper names no initialisation: it is torch's, as in torchvision.
    """
    return chain(
        least_size=LeastSize(63, instead="alexnet_small"),
        features=_features(in_channels, _ONE_TOWER),
        pool=nn.AdaptiveAvgPool2d(6),
        flatten=nn.Flatten(),
        classifier=chain(
            dropout1=nn.Dropout(dropout),
            linear1=nn.Linear(256 * 6 * 6, 4096),
            relu1=nn.ReLU(inplace=True),
            dropout2=nn.Dropout(dropout),
            linear2=nn.Linear(4096, 4096),
            relu2=nn.ReLU(inplace=True),
            linear3=nn.Linear(4096, num_classes),
        ),
    )


def alexnet_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """AlexNet in two groups for 32×32 and 28×28 images, 5×5 in its first convolution, with a stride of 1.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``. Initialised with variance 1 over the
    fan-in, since the published deviation of 0.01 suits the published width only; biases 0.
    """
    network = chain(
        least_size=LeastSize(15, instead="lenet5"),
        features=_features(in_channels, _SMALL),
        pool=nn.AdaptiveAvgPool2d(3),
        flatten=nn.Flatten(),
        classifier=_classifier(64 * 3 * 3, 256, num_classes, dropout),
    )
    return initialized(network, fan_in_uniform)


def _features(in_channels: int, table: tuple[_Conv, ...]) -> nn.Sequential:
    features = nn.Sequential()
    for number, row in enumerate(table, start=1):
        conv = nn.Conv2d(in_channels, row.channels, row.kernel_size, row.stride, row.padding, groups=row.groups)
        features.add_module(f"conv{number}", conv)
        features.add_module(f"relu{number}", nn.ReLU(inplace=True))
        if row.normalized:
            features.add_module(f"norm{number}", _response_normalization())
        if row.pooled:
            features.add_module(f"pool{number}", nn.MaxPool2d(3, 2))
        in_channels = row.channels
    return features


def _response_normalization() -> nn.LocalResponseNorm:
    """That of section 3.3; torch divides α by the number of channels summed over, the paper does not."""
    return nn.LocalResponseNorm(5, alpha=5 * 1e-4, beta=0.75, k=2.0)


def _classifier(features: int, width: int, num_classes: int, dropout: float) -> nn.Sequential:
    return chain(
        linear1=nn.Linear(features, width),
        relu1=nn.ReLU(inplace=True),
        dropout1=nn.Dropout(dropout),
        linear2=nn.Linear(width, width),
        relu2=nn.ReLU(inplace=True),
        dropout2=nn.Dropout(dropout),
        linear3=nn.Linear(width, num_classes),
    )


def _initialized_as_published(network: nn.Sequential) -> nn.Sequential:
    initialized(network, normal(0.01))
    for name in ("features.conv2", "features.conv4", "features.conv5", "classifier.linear1", "classifier.linear2"):
        nn.init.ones_(network.get_parameter(f"{name}.bias"))
    return network


_PAPER = "ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012"

NETWORKS = {
    "alexnet_2012": Network(alexnet_2012, 2012, (3, 227, 227), _PAPER),
    "alexnet_2012_ungrouped": Network(alexnet_2012_ungrouped, 2012, (3, 227, 227), _PAPER),
    "alexnet_torchvision": Network(
        alexnet_torchvision,
        2014,
        (3, 224, 224),
        "One weird trick for parallelizing convolutional neural networks, arXiv 1404.5997",
    ),
    "alexnet_small": Network(alexnet_small, 2012, (3, 32, 32), _PAPER),
}
