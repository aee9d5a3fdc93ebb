"""Branches that see the same image, side by side: what Inception and fire modules are made of."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Concatenated(nn.ModuleDict):
    """The outputs of all branches for one input, one after another along the channels.

    Maps ``[batch, channel, height, width]`` to ``[batch, sum of the branches' channels, height', width']``.
    """

    def __init__(self, branches: Mapping[str, nn.Module]) -> None:
        super().__init__(OrderedDict(branches))

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        return torch.cat([branch(x) for branch in self.values()], dim=1)


def chain(**layers: nn.Module) -> nn.Sequential:
    """The layers one after another, by name."""
    return nn.Sequential(OrderedDict(layers))
