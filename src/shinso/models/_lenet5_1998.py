"""LeNet-5 as published (LeCun, Bottou, Bengio and Haffner, 1998, Proc. IEEE 86(11), section II; lecture 001, the slide
on LeNet-5): trainable sub-sampling, a third layer that sees only some of the maps, and outputs that measure distances.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._concatenated import chain
from shinso.models._digit_bitmaps import digit_bitmaps
from shinso.models._lenet5 import lenet5
from shinso.models._network import Network
from shinso.models._parts import layers_of

# Table I: a row for each map of S2, a column for each map of C3 that combines it.
_C3 = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""


def lenet5_1998(*, num_classes: int = 10, in_channels: int = 1, image_size: int = 32) -> nn.Module:
    """LeNet-5 of 1998, 60,000 parameters: ``[batch, in_channels, 32, 32]`` to ``[batch, num_classes]``.

    The logits are minus the squared distances to the prototypes, so that cross-entropy is the paper's equation 9
    without its class of rubbish. Initialised as in its appendix A: uniform on ±2.4 over the fan-in. Takes 28×28 images
    too, with a margin of two pixels round them. Raises ValueError for another size.
    """
    if image_size not in (28, 32):
        raise ValueError(
            f"lenet5_1998 takes images of 32×32 or 28×28 pixels; got {image_size}×{image_size}: use lenet5"
        )
    network = chain(
        C1=nn.Conv2d(in_channels, 6, 5, padding=(32 - image_size) // 2),
        squash1=ScaledTanh(),
        S2=SubSampling(6),
        squash2=ScaledTanh(),
        C3=PartialConvolution(_C3, 5),
        squash3=ScaledTanh(),
        S4=SubSampling(16),
        squash4=ScaledTanh(),
        C5=nn.Conv2d(16, 120, 5),
        squash5=ScaledTanh(),
        flatten=nn.Flatten(),
        F6=nn.Linear(120, 84),
        squash6=ScaledTanh(),
        output=Prototypes(num_classes),
    )
    for layer in layers_of(network, nn.Conv2d, nn.Linear, SubSampling):
        _initialize(layer)
    return network


class ScaledTanh(nn.Module):
    """A·tanh(S·x) with A = 1.7159 and S = 2/3, which maps ±1 to ±1 (appendix A)."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return 1.7159 * torch.tanh(2 / 3 * x)


class SubSampling(nn.Module):
    """The sum of each 2×2 square, times a weight and plus a bias that each map learns (section II.B).

    Maps ``[batch, channel, height, width]`` to ``[batch, channel, height / 2, width / 2]``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel h w"]:
        sums = nn.functional.avg_pool2d(x, 2, divisor_override=1)
        return sums * self.weight[:, None, None] + self.bias[:, None, None]

    def extra_repr(self) -> str:
        return f"{self.weight.numel()}"


class PartialConvolution(nn.ModuleList):
    """A convolution for each output map, over the input maps marked by an X in its column of ``table``.

    Maps ``[batch, row, height, width]`` to ``[batch, column, height', width']``.
    """

    def __init__(self, table: str, kernel_size: int) -> None:
        columns = list(zip(*table.split(), strict=True))
        self.combined = [[row for row, mark in enumerate(column) if mark == "X"] for column in columns]
        super().__init__(nn.Conv2d(len(rows), 1, kernel_size) for rows in self.combined)

    def forward(self, x: Float[Tensor, "batch row height width"]) -> Float[Tensor, "batch column h w"]:
        maps = x.unbind(1)
        combinations = (torch.stack([maps[row] for row in rows], dim=1) for rows in self.combined)
        return torch.cat([conv(combination) for conv, combination in zip(self, combinations, strict=True)], dim=1)


class Prototypes(nn.Module):
    """Minus the squared distance of 84 values to the prototype of each class: ``[batch, 84]`` to ``[batch, class]``.

    The prototypes are fixed: pictures of the ten digits, and for further classes ±1 at random (section II.B).
    """

    prototypes: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("prototypes", _prototypes(num_classes))

    def forward(self, x: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch class"]:
        return -(x[:, None] - self.prototypes).square().sum(2)

    def extra_repr(self) -> str:
        return f"{len(self.prototypes)}"


def _prototypes(num_classes: int) -> Tensor:
    digits = digit_bitmaps()
    seeded = torch.Generator("cpu").manual_seed(1998)
    coins = torch.randint(0, 2, (max(0, num_classes - len(digits)), digits.shape[1]), generator=seeded, device="cpu")
    return torch.cat([digits, (2.0 * coins - 1.0).to(digits.device)])[:num_classes]


def _initialize(layer: nn.Module) -> None:
    """A sub-sampling map has a fan-in of 4, the pixels that share its weight."""
    weight = layer.get_parameter("weight")
    fan_in = 4 if isinstance(layer, SubSampling) else math.prod(weight.shape[1:])
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -2.4 / fan_in, 2.4 / fan_in)


_PAPER = "Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86(11), 1998"

NETWORKS = {
    "lenet5_1998": Network(lenet5_1998, 1998, (1, 32, 32), _PAPER),
    "lenet5_modern": Network(lenet5, 1998, (1, 28, 28), _PAPER),
}
