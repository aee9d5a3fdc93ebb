"""The layers whose weights an initialisation fills, and how many terms their sums have."""

import math
from typing import NamedTuple

from torch import nn
from torch.nn.parameter import UninitializedParameter

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
TransposedConvolution = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
Layer = nn.Linear | Convolution | TransposedConvolution


class Fans(NamedTuple):
    """How many inputs each output of a layer sums, and how many outputs each input reaches."""

    fan_in: float
    fan_out: float


def fans(layer: Layer) -> Fans:
    """The fan-in and fan-out of a linear layer or convolution, borders aside.

    The channels are those of one group, so depthwise convolutions have as many inputs as their kernel has entries. A
    transposed convolution of stride s spreads its kernel over s outputs along each axis: each sums 1/s of it, on
    average, and in 4-by-4 kernels of stride 2 exactly a quarter. (``torch.nn.init`` takes a transposed convolution's
    fans the wrong way round, and the fan-out of one in groups as if it had a single group.) The fan-out of a
    convolution leaves its stride out, as He et al. (2015, arXiv 1502.01852) do.
    """
    if isinstance(layer, nn.Linear):
        return Fans(layer.in_features, layer.out_features)
    kernel = math.prod(layer.kernel_size)
    inputs = layer.in_channels // layer.groups * kernel
    outputs = layer.out_channels // layer.groups * kernel
    if isinstance(layer, TransposedConvolution):
        return Fans(inputs / math.prod(layer.stride), outputs)
    return Fans(inputs, outputs)


def layers_of(network: nn.Module) -> list[Layer]:
    """The linear and convolutional layers of a network, itself included, in order.

    Raises ValueError if there is none, or one has no weight to fill: not yet there, or computed from other parameters.
    """
    layers = {name: module for name, module in network.named_modules() if isinstance(module, Layer)}
    if not layers:
        raise ValueError(
            f"{type(network).__name__} has no linear or convolutional layer, so there is nothing to initialise"
        )
    for name, layer in layers.items():
        _check_can_be_filled(name, layer)
    return list(layers.values())


def _check_can_be_filled(name: str, layer: Layer) -> None:
    where = f"layer {name!r}" if name else type(layer).__name__
    if isinstance(layer.weight, UninitializedParameter):
        raise ValueError(f"{where} is lazy and has no weight yet: run the network once, then initialise it")
    if not isinstance(layer.weight, nn.Parameter):
        raise ValueError(
            f"the weight of {where} is computed from other parameters, as by weight_norm: initialise the network "
            f"before its weights are parametrised"
        )
