"""Initialisations that papers name in one line, laid over a whole network."""

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor, nn

from shinso.models._parts import layers_of

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def initialized(network: NetworkT, weights: Callable[[Tensor], object], *, biases: float = 0.0) -> NetworkT:
    """The network itself: ``weights`` has filled the weight of each convolution and linear layer, and each of their
    biases is ``biases``.
    """
    for layer in layers_of(network, nn.Conv2d, nn.Linear):
        weights(layer.weight)  # type: ignore[arg-type]
        if layer.bias is not None:
            nn.init.constant_(layer.bias, biases)  # type: ignore[arg-type]
    return network


def normal(std: float) -> Callable[[Tensor], Tensor]:
    """Fills with a normal distribution of mean 0."""
    return lambda weight: nn.init.normal_(weight, std=std)


def truncated_normal(std: float) -> Callable[[Tensor], Tensor]:
    """Fills with a normal distribution of mean 0 that is cut off at two standard deviations, as TensorFlow's."""
    return lambda weight: nn.init.trunc_normal_(weight, std=std, a=-2 * std, b=2 * std)


def fan_in_uniform(weight: Tensor) -> Tensor:
    """Fills with a uniform distribution of variance 1 over the fan-in: Caffe's ``xavier``."""
    return nn.init.kaiming_uniform_(weight, nonlinearity="linear")
