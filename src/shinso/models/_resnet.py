"""Residual networks for small images (He et al., 2016, section 4.2; arXiv 1512.03385; lectures 001 and 003)."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

Normalization = Literal["none", "batch", "layer", "instance", "group"]

# Layer normalisation over channels and positions is group normalisation with one group.
_NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "group": lambda channels: nn.GroupNorm(min(8, channels), channels),
}


def resnet(
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    depth: int = 20,
    width: int = 16,
    normalization: Normalization = "batch",
    dropout: float = 0.0,
) -> nn.Sequential:
    """The CIFAR residual network of ``depth`` 6n+2: three stages of n blocks with ``width``, 2, 4 times ``width``
    channels.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``; shortcuts have no parameters (option A).
    Raises ValueError for another depth or an unknown normalisation.
    """
    return _network(BasicBlock, num_classes, in_channels, depth, width, normalization, dropout)


def plain(
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    depth: int = 20,
    width: int = 16,
    normalization: Normalization = "batch",
    dropout: float = 0.0,
) -> nn.Sequential:
    """The same network without shortcuts, which the paper compares with it (section 4.2, figure 6 left).

    Maps ``[batch, in_channels, height, width]`` to ``[batch, num_classes]``. Raises ValueError as :func:`resnet`.
    """
    return _network(PlainBlock, num_classes, in_channels, depth, width, normalization, dropout)


def _network(
    block: "type[BasicBlock]",
    num_classes: int,
    in_channels: int,
    depth: int,
    width: int,
    normalization: Normalization,
    dropout: float,
) -> nn.Sequential:
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"ResNet depth must be 6n+2 for small images (8, 14, 20, 32, 44, 56, 110); got {depth}")
    if normalization not in _NORMALIZATIONS:
        raise ValueError(f"normalization must be one of {', '.join(_NORMALIZATIONS)}; got {normalization!r}")
    norm = _NORMALIZATIONS[normalization]
    blocks = (depth - 2) // 6
    layers = {
        "conv": _conv(in_channels, width, 1, norm),
        "norm": norm(width),
        "relu": nn.ReLU(inplace=True),
        "stage1": _stage(block, width, width, blocks, norm),
        "stage2": _stage(block, width, 2 * width, blocks, norm),
        "stage3": _stage(block, 2 * width, 4 * width, blocks, norm),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "dropout": nn.Dropout(dropout),
        "classifier": nn.Linear(4 * width, num_classes),
    }
    network = nn.Sequential(
        OrderedDict((name, layer) for name, layer in layers.items() if name != "dropout" or dropout)
    )
    return _initialized(network)


def _stage(
    block: "type[BasicBlock]", in_channels: int, out_channels: int, blocks: int, norm: Callable[[int], nn.Module]
) -> nn.Sequential:
    """Blocks of one width; where the width grows, the first halves height and width."""
    first = block(in_channels, out_channels, 1 if in_channels == out_channels else 2, norm)
    return nn.Sequential(first, *(block(out_channels, out_channels, 1, norm) for _ in range(blocks - 1)))


class BasicBlock(nn.Module):
    """relu(x + norm(conv(relu(norm(conv(x)))))), the shortcut subsampled and padded with zero channels where
    shapes change.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.conv1 = _conv(in_channels, out_channels, stride, norm)
        self.norm1 = norm(out_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = _conv(out_channels, out_channels, 1, norm)
        self.norm2 = norm(out_channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.stride = stride
        self.new_channels = out_channels - in_channels

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        residual = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.new_channels:
            x = F.pad(x, (0, 0, 0, 0, 0, self.new_channels))
        output: Tensor = self.relu2(residual + x)
        return output


class PlainBlock(BasicBlock):
    """relu(norm(conv(relu(norm(conv(x)))))): the block without its shortcut."""

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        output: Tensor = self.relu2(self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x))))))
        return output


def _conv(in_channels: int, out_channels: int, stride: int, norm: Callable[[int], nn.Module]) -> nn.Conv2d:
    has_bias = isinstance(norm(1), nn.Identity)
    return nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=has_bias)


def _initialized(network: nn.Sequential) -> nn.Sequential:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for block in network.modules():
        # Without normalisation the sum over blocks would grow with depth: each begins as the identity (Fixup,
        # arXiv 1901.09321).
        if type(block) is BasicBlock and isinstance(block.norm2, nn.Identity):
            nn.init.zeros_(block.conv2.weight)
    return network
