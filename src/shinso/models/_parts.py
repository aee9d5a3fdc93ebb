"""What most convolutional networks are built from."""

from collections import OrderedDict
from collections.abc import Iterable

from torch import nn

IntPair = int | tuple[int, int]


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalisation and, unless ``activation`` is None, an activation in place.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height', width']``; by default padded so
    that stride 1 keeps the size of the image (for odd kernels).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntPair = 3,
        stride: IntPair = 1,
        *,
        padding: IntPair | None = None,
        groups: int = 1,
        eps: float = 1e-5,
        activation: type[nn.Module] | None = nn.ReLU,
    ) -> None:
        padding = _same_padding(kernel_size) if padding is None else padding
        layers: dict[str, nn.Module] = {
            "conv": nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, groups=groups, bias=False),
            "norm": nn.BatchNorm2d(out_channels, eps=eps),
        }
        if activation is not None:
            layers["activation"] = activation(inplace=True)
        super().__init__(OrderedDict(layers))


def he_initialized(network: nn.Module) -> nn.Module:
    """The network itself, its convolutions and linear layers initialised after He et al. (2015, arXiv 1502.01852):
    normal with variance 2 over the fan-out of a convolution, or over the fan-in of a linear layer; biases 0.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
    return zero_biases(network)


def zero_biases(network: nn.Module) -> nn.Module:
    """The network itself, every bias of a convolution or linear layer set to 0."""
    for module in layers_of(network, nn.Conv2d, nn.Linear):
        if module.bias is not None:
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    return network


def layers_of(network: nn.Module, *kinds: type[nn.Module]) -> Iterable[nn.Module]:
    """The layers of these kinds, in order."""
    return (module for module in network.modules() if isinstance(module, kinds))


def _same_padding(kernel_size: IntPair) -> IntPair:
    return kernel_size // 2 if isinstance(kernel_size, int) else (kernel_size[0] // 2, kernel_size[1] // 2)
