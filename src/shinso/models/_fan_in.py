"""He initialisation over the fan-in, which grouped and depthwise convolutions need."""

from torch import nn

from shinso.models._parts import layers_of, zero_biases


def he_by_fan_in(network: nn.Module) -> nn.Module:
    """The network itself, its convolutions and linear layers initialised after He et al. (2015, arXiv 1502.01852):
    normal with variance 2 over the fan-in; biases 0.

    The fan-in of a convolution in g groups is that of one group, so that each layer keeps the variance whatever g is.
    """
    for module in layers_of(network, nn.Conv2d, nn.Linear):
        nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")  # type: ignore[arg-type]
    return zero_biases(network)
