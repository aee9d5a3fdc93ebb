"""A rule for weights and a value for biases, laid over a whole network."""

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from shinso.nn.initialization._layers import layers_of

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def initialize(network: NetworkT, weights: Callable[[Any], object], *, biases: float = 0.0) -> NetworkT:
    """The network itself: ``weights`` was called with each linear and convolutional layer, and each of their biases is
    ``biases``.

        >>> from torch import nn
        >>> from shinso.nn.initialization import he_normal, initialize
        >>> network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> initialize(network, he_normal, biases=0.1)[2].bias
        Parameter containing:
        tensor([0.1000, 0.1000], requires_grad=True)

    Layers are those of 1 to 3 dimensions, transposed and in groups; normalisation layers, embeddings, and the weights
    that recurrent and attention layers keep to themselves stay as they are. ``weights`` is any function that fills a
    layer's weight in place; ``functools.partial`` gives one its arguments. Raises ValueError where there is no such
    layer or a weight cannot be filled.
    """
    for layer in layers_of(network):
        weights(layer)
    return constant_biases(network, biases)


def constant_biases(network: NetworkT, value: float = 0.1) -> NetworkT:
    """The network itself, each bias of a linear or convolutional layer set to ``value``.

    A small positive value such as 0.1 lets most rectified units begin active and pass their gradient (lecture 004
    section 6.3.1).
    """
    for layer in layers_of(network):
        if layer.bias is not None:
            nn.init.constant_(layer.bias, value)
    return network
