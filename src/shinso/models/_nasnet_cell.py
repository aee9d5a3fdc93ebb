"""The cells of NASNet-A (Zoph et al., 2017, arXiv 1707.07012, figure 4): two states in, five sums of two operations."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

# As in the authors' release.
NORM_EPS = 1e-3

State = Literal["current", "previous"] | int
"""An int is the sum of that row, counted from 0."""
Operation = Literal["separable3", "separable5", "separable7", "average3", "maximum3", "identity"]
PreviousState = Literal["squeezed", "halved", "raw"]
Row = tuple[tuple[State, Operation], tuple[State, Operation]]


@dataclass(frozen=True)
class CellTable:
    """Sums of two operations, which of them and of the two states are joined to the output, and the stride at which
    the two states are read.
    """

    rows: tuple[Row, ...]
    joined: tuple[State, ...]
    stride: int


NORMAL = CellTable(
    rows=(
        (("current", "separable5"), ("previous", "separable3")),
        (("previous", "separable5"), ("previous", "separable3")),
        (("current", "average3"), ("previous", "identity")),
        (("previous", "average3"), ("previous", "average3")),
        (("current", "separable3"), ("current", "identity")),
    ),
    joined=("previous", 0, 1, 2, 3, 4),
    stride=1,
)
REDUCTION = CellTable(
    rows=(
        (("current", "separable5"), ("previous", "separable7")),
        (("current", "maximum3"), ("previous", "separable7")),
        (("current", "average3"), ("previous", "separable5")),
        ((0, "average3"), (1, "identity")),
        ((0, "separable3"), ("current", "maximum3")),
    ),
    joined=(1, 2, 3, 4),
    stride=2,
)


class NasNetCell(nn.Module):
    """A cell of ``channels``: squeezes both states to ``channels``, forms the sums of its table, joins some of them.

    Maps the current state ``[batch, current_channels, height, width]`` and the previous one, which is twice as high and
    wide if ``previous`` says "halved", to ``[batch, out_channels, h, w]``. A previous state that is "raw" is not
    squeezed, as that of the first cell. ``crops`` pads the first convolution of each pair as one public implementation
    does, which changes no output.
    """

    def __init__(
        self,
        table: CellTable,
        current_channels: int,
        previous_channels: int,
        channels: int,
        previous: PreviousState = "squeezed",
        *,
        crops: bool = False,
    ) -> None:
        super().__init__()
        self.table = table
        self.out_channels = len(table.joined) * channels
        # In the order of the published weights.
        if previous == "squeezed":
            self.squeeze_previous: nn.Module = _squeeze(previous_channels, channels)
        self.squeeze_current = _squeeze(current_channels, channels)
        if previous == "halved":
            self.squeeze_previous = FactorizedReduction(previous_channels, channels)
        elif previous == "raw":
            self.squeeze_previous = nn.Identity()
        self.rows = nn.ModuleList()
        for row in table.rows:
            operations = nn.ModuleList()
            for state, operation in row:
                in_channels = previous_channels if previous == "raw" and state == "previous" else channels
                stride = 1 if isinstance(state, int) else table.stride
                operations.append(_operation(operation, in_channels, channels, stride, crops=crops))
            self.rows.append(operations)

    def forward(
        self,
        current: Float[Tensor, "batch channel height width"],
        previous: Float[Tensor, "batch previous_channel previous_height previous_width"],
    ) -> Float[Tensor, "batch out h w"]:
        states: dict[State, Tensor] = {
            "previous": self.squeeze_previous(previous),
            "current": self.squeeze_current(current),
        }
        for number, (operations, row) in enumerate(zip(self.rows, self.table.rows, strict=True)):
            (left, _), (right, _) = row
            states[number] = operations[0](states[left]) + operations[1](states[right])  # type: ignore[index]
        return torch.cat([states[state] for state in self.table.joined], dim=1)


class FactorizedReduction(nn.Module):
    """Half the height and width without losing every second position: two pointwise convolutions of stride 2, one of
    them a position further on, joined and normalised.

    Maps ``[batch, in_channels, height, width]`` to ``[batch, out_channels, height / 2, width / 2]``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.path1 = nn.Conv2d(in_channels, out_channels // 2, 1, stride=2, bias=False)
        self.path2 = nn.Conv2d(in_channels, out_channels - out_channels // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, eps=NORM_EPS)

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        x = self.relu(x)
        shifted = F.pad(x, (-1, 1, -1, 1))
        output: Tensor = self.norm(torch.cat((self.path1(x), self.path2(shifted)), dim=1))
        return output


def _squeeze(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            relu=nn.ReLU(),
            conv=nn.Conv2d(in_channels, out_channels, 1, bias=False),
            norm=nn.BatchNorm2d(out_channels, eps=NORM_EPS),
        )
    )


def _operation(operation: Operation, in_channels: int, out_channels: int, stride: int, *, crops: bool) -> nn.Module:
    if operation == "identity":
        return nn.Identity()
    if operation == "average3":
        return _Pool("average", stride)
    if operation == "maximum3":
        return _Pool("maximum", stride)
    return _separable_twice(in_channels, out_channels, int(operation[-1]), stride, crops=crops)


def _separable_twice(
    in_channels: int, out_channels: int, kernel_size: int, stride: int, *, crops: bool
) -> nn.Sequential:
    """Appendix A.4: the separable convolution applied twice, each rectified before and normalised after."""
    layers: dict[str, nn.Module] = {}
    for number, (channels, step) in enumerate(((in_channels, stride), (out_channels, 1)), start=1):
        separable = {
            "depthwise": _SamePadded(channels, channels, kernel_size, step, groups=channels, bias=False),
            "pointwise": nn.Conv2d(channels, out_channels, 1, bias=False),
        }
        layers |= {
            # What the first one reads is read by others too.
            f"relu{number}": nn.ReLU(inplace=number > 1),
            f"separable{number}": (_Cropped if crops and number == 1 else nn.Sequential)(OrderedDict(separable)),
            f"norm{number}": nn.BatchNorm2d(out_channels, eps=NORM_EPS),
        }
    return nn.Sequential(OrderedDict(layers))


class _Cropped(nn.Sequential):
    """The same output found with a row and a column more, which are dropped; with stride 2 for images of even sides."""

    def forward(self, input: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        stride = self[0].stride[0]  # type: ignore[index]
        output: Tensor
        if input.shape[-2] % stride or input.shape[-1] % stride:
            output = super().forward(input)  # type: ignore[no-untyped-call]
        else:
            output = super().forward(F.pad(input, (1, 0, 1, 0)))[:, :, 1:, 1:]  # type: ignore[no-untyped-call]
        return output


class _SamePadded(nn.Conv2d):
    """Convolution with an odd kernel whose output is ceil(size / stride); of an odd number of zeros more come after."""

    def forward(self, input: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        (before_h, after_h), (before_w, after_w) = (
            _padding(size, self.kernel_size[0], self.stride[0]) for size in input.shape[-2:]
        )
        # Zeros on both sides are free, on one side they are a copy.
        if after_h != before_h or after_w != before_w:
            input = F.pad(input, (0, after_w - before_w, 0, after_h - before_h))
        return F.conv2d(input, self.weight, None, self.stride, (before_h, before_w), groups=self.groups)


class _Pool(nn.Module):
    """3×3 pooling whose output is ceil(size / stride), positions outside the image left out."""

    def __init__(self, kind: Literal["average", "maximum"], stride: int) -> None:
        super().__init__()
        self.kind = kind
        self.stride = stride

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel h w"]:
        height, width = (_padding(size, 3, self.stride)[0] for size in x.shape[-2:])
        if self.kind == "maximum":
            return F.max_pool2d(x, 3, self.stride, (height, width), ceil_mode=True)
        return F.avg_pool2d(x, 3, self.stride, (height, width), ceil_mode=True, count_include_pad=False)


def _padding(size: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Zeros before and after, so that the output has ceil(size / stride) positions."""
    total = max(0, (-(-size // stride) - 1) * stride + kernel_size - size)
    return total // 2, total - total // 2
