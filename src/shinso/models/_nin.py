"""Network in network (Lin, Chen and Yan, 2013, arXiv 1312.4400; lecture 003, the section on light networks).

Each convolution is followed by a perceptron of two layers at every position: two 1×1 convolutions. The last has a
channel for each class, and its mean over the image is the logit: there is no linear layer.
"""

from torch import nn

from shinso.models._concatenated import chain
from shinso.models._fan_in import he_by_fan_in
from shinso.models._initialized import initialized, normal
from shinso.models._least_size import LeastSize
from shinso.models._network import Network

# The authors' sizes for CIFAR-10 (the paper's figure 2 shows the three blocks): for each block the kernel of its
# convolution, the channels of the convolution and of its two 1×1 convolutions. The last of all has the classes.
_CIFAR = ((5, 192, 160, 96), (5, 192, 192, 192), (3, 192, 192))
_SMALL = ((5, 48, 40, 24), (3, 64, 64, 64), (3, 64, 64))


def nin_cifar10(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.5) -> nn.Module:
    """Network in network for small images: ``[batch, in_channels, 32, 32]`` to ``[batch, num_classes]``.

    Pooled by maximum, then by mean, and dropout after both, as in the authors' Caffe model. The paper names no
    initialisation; it is that of the authors' first release: weights normal with standard deviation 0.05, biases 0.
    """
    return initialized(_nin(_CIFAR, num_classes, in_channels, dropout), normal(0.05))


def nin_small(*, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0) -> nn.Module:
    """Network in network, a quarter as wide: ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``.

    For 32×32 and 28×28 images. He initialisation over the fan-in, since the authors' deviation suits their width only.
    Its last convolution is not rectified: with a short training, classes whose logits are 0 everywhere would stay so.
    """
    network = _nin(_SMALL, num_classes, in_channels, dropout)
    network.get_submodule("block3").relu3 = nn.Identity()
    return he_by_fan_in(network)


def _nin(table: tuple[tuple[int, ...], ...], num_classes: int, in_channels: int, dropout: float) -> nn.Sequential:
    (kernel1, *widths1), (kernel2, *widths2), (kernel3, *widths3) = table
    return chain(
        least_size=LeastSize(4, instead="mlp"),
        block1=_perceptron_convolution(in_channels, kernel1, widths1),
        pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
        dropout1=nn.Dropout(dropout),
        block2=_perceptron_convolution(widths1[-1], kernel2, widths2),
        pool2=nn.AvgPool2d(3, 2, ceil_mode=True),
        dropout2=nn.Dropout(dropout),
        block3=_perceptron_convolution(widths2[-1], kernel3, [*widths3, num_classes]),
        pool3=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
    )


def _perceptron_convolution(in_channels: int, kernel_size: int, widths: list[int]) -> nn.Sequential:
    """The paper's mlpconv layer (equation 2): every one of its three convolutions is rectified."""
    width, hidden, out_channels = widths
    return chain(
        conv1=nn.Conv2d(in_channels, width, kernel_size, padding=kernel_size // 2),
        relu1=nn.ReLU(inplace=True),
        conv2=nn.Conv2d(width, hidden, 1),
        relu2=nn.ReLU(inplace=True),
        conv3=nn.Conv2d(hidden, out_channels, 1),
        relu3=nn.ReLU(inplace=True),
    )


_PAPER = "Network In Network, arXiv 1312.4400"

NETWORKS = {
    "nin_cifar10": Network(nin_cifar10, 2013, (3, 32, 32), _PAPER),
    "nin_small": Network(nin_small, 2013, (3, 32, 32), _PAPER),
}
