"""Residual attention (Wang et al., 2017, "Residual Attention Network for Image Classification", arXiv 1704.06904,
section 3; lecture 001 "Residual Attention Network").
"""

from collections import OrderedDict
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class ResidualAttention(nn.Module):
    """(1 + mask(x)) · trunk(x), the attention residual learning of equation 3.

    ``trunk`` is any part of a network; ``mask`` maps the same input to the trunk's output shape, or to one that
    broadcasts against it, with values from 0 to 1. Where the mask is 0, the output is the trunk's.
    """

    def __init__(self, trunk: nn.Module, mask: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.mask = mask

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        features: Tensor = self.trunk(x)
        output: Tensor = features + self.mask(x) * features
        return output


class Hourglass(nn.Module):
    """Max pooling, ``first``, then ``last`` and back to the size of the input by bilinear interpolation (figure 2).

    With an hourglass ``inner``, ``last`` gets skip(y) + inner(y) of the output y of ``first``. Maps ``[batch, channel,
    height, width]`` to the same shape; sides need 2 pixels, with one hourglass within 4, with two 8.
    """

    def __init__(
        self, first: nn.Module, last: nn.Module, inner: "Hourglass | None" = None, skip: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.first = first
        self.inner = inner
        self.skip = nn.Identity() if skip is None else skip
        self.last = last

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel height width"]:
        y: Tensor = self.first(self.pool(x))
        if self.inner is not None:
            y = self.skip(y) + self.inner(y)
        # Corners stay at corners, as in the interpolation layer of the authors' release.
        return F.interpolate(self.last(y), size=x.shape[-2:], mode="bilinear", align_corners=True)


def hourglass(channels: int, unit: Callable[[int], nn.Module], poolings: int) -> Hourglass:
    """An hourglass of that many max poolings; each ``unit(channels)`` is a new layer that keeps the shape.

    Raises ValueError for less than one pooling.
    """
    if poolings < 1:
        raise ValueError(f"an hourglass needs at least 1 pooling; got {poolings}")
    first = unit(channels)
    if poolings == 1:
        return Hourglass(first, unit(channels))
    inner = hourglass(channels, unit, poolings - 1)
    return Hourglass(first, inner=inner, skip=unit(channels), last=unit(channels))


def attention_mask(channels: int, unit: Callable[[int], nn.Module], poolings: int) -> nn.Sequential:
    """A mask for each position and channel ("mixed attention", equation 4): hourglass, two 1×1 convolutions, sigmoid.

    Maps ``[batch, channels, height, width]`` to the same shape with values from 0 to 1.
    """
    layers: dict[str, nn.Module] = {"hourglass": hourglass(channels, unit, poolings)}
    for number in (1, 2):
        layers[f"norm{number}"] = nn.BatchNorm2d(channels)
        layers[f"relu{number}"] = nn.ReLU(inplace=True)
        layers[f"conv{number}"] = nn.Conv2d(channels, channels, 1, bias=False)
    layers["sigmoid"] = nn.Sigmoid()
    return nn.Sequential(OrderedDict(layers))
