"""Tiled convolution: neighbouring positions have kernels of their own, which return every few positions (Le, Ngiam et
al., 2010, "Tiled convolutional neural networks"; lecture 003, figure 16).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, pair, positive_pair
from shinso.nn.convolution.output_size import conv_output_size


def tiled_conv2d(
    x: Float[Tensor, "*batch channel height width"],
    weight: Float[Tensor, "tile_height tile_width out channel kernel_height kernel_width"],
    bias: Float[Tensor, "tile_height tile_width out"] | None = None,
    *,
    stride: IntPair = 1,
    padding: IntPair = 0,
) -> Float[Tensor, "*batch out h w"]:
    """At position (i, j) the output of ``conv2d`` with the kernel ``weight[i % tile_height, j % tile_width]``.

    It takes as many multiply-accumulates as one of these convolutions over whole tiles. Raises ValueError where the
    kernel does not fit.
    """
    (tile_down, tile_right), kernel = weight.shape[:2], weight.shape[-2:]
    (step_down, step_right), (top, left) = positive_pair("stride", stride), pair(padding)
    rows = conv_output_size(x.shape[-2], kernel[0], step_down, top)
    columns = conv_output_size(x.shape[-1], kernel[1], step_right, left)
    # Whole tiles: each kernel then has equally many positions. A negative amount cuts what no position reaches.
    reach_down = (math.ceil(rows / tile_down) * tile_down - 1) * step_down + kernel[0]
    reach_right = (math.ceil(columns / tile_right) * tile_right - 1) * step_right + kernel[1]
    x = F.pad(x, (left, reach_right - x.shape[-1] - left, top, reach_down - x.shape[-2] - top))
    tiles = [
        F.conv2d(
            x[..., i * step_down :, j * step_right :],
            weight[i, j],
            None if bias is None else bias[i, j],
            stride=(tile_down * step_down, tile_right * step_right),
        )
        for i in range(tile_down)
        for j in range(tile_right)
    ]
    return _woven(torch.stack(tiles, dim=-3), tile_down, tile_right)[..., :rows, :columns]


class TiledConv2d(nn.Module):
    """A convolution whose kernel depends on the position: positions ``tile_size`` steps apart share theirs.

    Tile size 1 is convolution; a tile as large as the output is a locally connected layer, which shares nothing. Maps
    ``[batch, in_channels, height, width]`` to the shape that ``torch.nn.Conv2d`` gives, and starts as that does.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntPair,
        tile_size: IntPair,
        stride: IntPair = 1,
        padding: IntPair = 0,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.tile_size = positive_pair("tile_size", tile_size)
        self.kernel_size = positive_pair("kernel_size", kernel_size)
        self.stride = positive_pair("stride", stride)
        self.padding = pair(padding)
        self.weight = nn.Parameter(torch.empty(*self.tile_size, out_channels, in_channels, *self.kernel_size))
        self.bias = nn.Parameter(torch.empty(*self.tile_size, out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Uniform on ±1/√fan_in, weights and biases, as in ``torch.nn.Conv2d``."""
        bound = 1 / math.sqrt(math.prod(self.weight.shape[3:]))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Float[Tensor, "*batch channel height width"]) -> Float[Tensor, "*batch out h w"]:
        return tiled_conv2d(x, self.weight, self.bias, stride=self.stride, padding=self.padding)

    def extra_repr(self) -> str:
        return (
            f"{self.weight.shape[3]}, {self.weight.shape[2]}, kernel_size={self.kernel_size}, "
            f"tile_size={self.tile_size}, stride={self.stride}, padding={self.padding}, bias={self.bias is not None}"
        )


def _woven(tiles: Tensor, down: int, right: int) -> Tensor:
    """[…, down · right, rows, columns] as one map of down · rows by right · columns."""
    *batch, _, rows, columns = tiles.shape
    woven = tiles.reshape(*batch, down, right, rows, columns).movedim((-2, -1), (-4, -2))
    return woven.reshape(*batch, rows * down, columns * right)
