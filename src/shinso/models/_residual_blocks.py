"""What residual networks are built from: blocks, shortcuts and stages."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.models._parts import ConvNorm, he_initialized

Block = Callable[[int, int, int], nn.Module]
"""From input channels, output channels and stride to a block."""


class ResidualBlock(nn.Module):
    """relu(residual(x) + shortcut(x)), as in equation 2 of He et al. (2016, arXiv 1512.03385; lecture 003, figure 20).

    Maps ``[batch, channel, height, width]`` to what ``residual`` and ``shortcut`` both map it to.
    """

    def __init__(self, residual: Mapping[str, nn.Module], shortcut: nn.Module) -> None:
        super().__init__()
        self.residual = nn.Sequential(OrderedDict(residual))
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        output: Tensor = self.relu(self.residual(x) + self.shortcut(x))
        return output


class ZeroPaddedShortcut(nn.Module):
    """The identity without parameters (option A): every ``stride``-th position, new channels filled with zeros."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.new_channels = out_channels - in_channels

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.new_channels)) if self.new_channels else x


def projection_shortcut(in_channels: int, out_channels: int, stride: int, kernel_size: int = 1) -> nn.Module:
    """The identity where shapes agree, else a convolution with batch normalisation (option B)."""
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return ConvNorm(in_channels, out_channels, kernel_size, stride, activation=None)


def basic_block(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    """Two 3×3 convolutions, the first with the stride."""
    return ResidualBlock(
        {
            "conv1": ConvNorm(in_channels, out_channels, 3, stride),
            "conv2": ConvNorm(out_channels, out_channels, 3, activation=None),
        },
        projection_shortcut(in_channels, out_channels, stride),
    )


def bottleneck_layers(
    in_channels: int, widths: tuple[int, int], out_channels: int, *, strides: tuple[int, int], groups: int = 1
) -> dict[str, nn.Module]:
    """Convolutions of 1×1, 3×3 (in groups) and 1×1 to ``widths`` and ``out_channels``; strides of the first two."""
    return {
        "conv1": ConvNorm(in_channels, widths[0], 1, strides[0]),
        "conv2": ConvNorm(widths[0], widths[1], 3, strides[1], groups=groups),
        "conv3": ConvNorm(widths[1], out_channels, 1, activation=None),
    }


def stages(block: Block, in_channels: int, out_channels: Sequence[int], blocks: Sequence[int]) -> dict[str, nn.Module]:
    """``stage1``, ``stage2``, … with their output channels and numbers of blocks; from the second on, the first block
    of each stage halves height and width.
    """
    result: dict[str, nn.Module] = {}
    for number, (channels, count) in enumerate(zip(out_channels, blocks, strict=True), start=1):
        stride = 1 if number == 1 else 2
        layers = [block(in_channels, channels, stride), *(block(channels, channels, 1) for _ in range(count - 1))]
        result[f"stage{number}"] = nn.Sequential(*layers)
        in_channels = channels
    return result


def imagenet_stem(in_channels: int, out_channels: int = 64) -> dict[str, nn.Module]:
    """7×7 convolution of stride 2 with normalisation, then 3×3 max pooling of stride 2: a quarter of the size."""
    return {
        "stem": ConvNorm(in_channels, out_channels, 7, 2),
        "max_pool": nn.MaxPool2d(3, 2, padding=1),
    }


def chained(*parts: Mapping[str, nn.Module]) -> nn.Module:
    """The parts one after the other, initialised after He et al. (2015, arXiv 1502.01852)."""
    return he_initialized(nn.Sequential(OrderedDict(item for part in parts for item in part.items())))
