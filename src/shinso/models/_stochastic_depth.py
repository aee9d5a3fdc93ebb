"""Residual networks of random depth (Huang et al., 2016, "Deep Networks with Stochastic Depth", arXiv 1603.09382;
lecture 001 "Stochastic Depth").

They map ``[batch, 3, 32, 32]`` to ``[batch, 10]``; other sizes work too. In training each residual block is there with
its survival probability, drawn once for the whole batch (equation 2), and one that is not there is not computed. In
evaluation all are there, the residuals multiplied by their probabilities (equation 5). The shortcut subsamples and
fills new channels with zeros, as in ResNet-110. Initialised after He et al. (2015), as there.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.models._network import Network
from shinso.models._parts import ConvNorm
from shinso.models._pooled_classifier import pooled_classifier
from shinso.models._residual_blocks import Block, ZeroPaddedShortcut, chained, stages


def stochastic_depth_resnet110(
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0, last_survival_probability: float = 0.5
) -> nn.Module:
    """ResNet-110 of random depth (section 4): 54 blocks, of which 40.25 are there on average; 1,727,962 parameters."""
    return _stochastic_depth(18, last_survival_probability, num_classes, in_channels, dropout)


def stochastic_depth_small(
    *, num_classes: int = 10, in_channels: int = 3, dropout: float = 0.0, last_survival_probability: float = 0.5
) -> nn.Module:
    """ResNet-14 of random depth, for images of 32×32 or 28×28 pixels: 6 blocks, 172,506 parameters."""
    return _stochastic_depth(2, last_survival_probability, num_classes, in_channels, dropout)


def survival_probabilities(blocks: int, last: float = 0.5) -> tuple[float, ...]:
    """p_l = 1 - l/L (1 - p_L) for l = 1, …, L = ``blocks``: linear decay from the input on (equation 4).

    Raises ValueError for less than one block, or ``last`` outside (0, 1].

    >>> survival_probabilities(4, 0.5)
    (0.875, 0.75, 0.625, 0.5)
    """
    if blocks < 1 or not 0 < last <= 1:
        raise ValueError(
            f"stochastic depth needs at least 1 block and a last survival probability above 0 and at most 1; got "
            f"{blocks} and {last}"
        )
    return tuple(1 - number / blocks * (1 - last) for number in range(1, blocks + 1))


def expected_depth(probabilities: Sequence[float]) -> float:
    """How many blocks are there on average: the sum of their survival probabilities (section 3, "Expected depth").

    >>> expected_depth(survival_probabilities(54, 0.5))
    40.25
    """
    return math.fsum(probabilities)


class StochasticBlock(nn.Module):
    """relu(residual(x) + shortcut(x)) of x ≥ 0, in training with ``survival_probability``, otherwise shortcut(x).

    Maps ``[batch, channel, height, width]`` to what ``residual`` and ``shortcut`` both map it to. The draw comes from
    the random numbers of the CPU, so that no accelerator waits for it. Parameters of a block that was not there have no
    gradient: several processes must draw alike (equal seeds) or be told to look for unused parameters.
    """

    def __init__(self, residual: nn.Module, shortcut: nn.Module, survival_probability: float) -> None:
        super().__init__()
        self.residual = residual
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)
        self.survival_probability = survival_probability

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out h w"]:
        shortcut: Tensor = self.shortcut(x)
        if not self.training:
            evaluated: Tensor = self.relu(self.survival_probability * self.residual(x) + shortcut)
            return evaluated
        if torch.rand((), device="cpu").item() >= self.survival_probability:
            return shortcut
        output: Tensor = self.relu(self.residual(x) + shortcut)
        return output

    def extra_repr(self) -> str:
        return f"survival_probability={self.survival_probability:.4g}"


def _stochastic_depth(
    blocks_per_stage: int, last_survival_probability: float, num_classes: int, in_channels: int, dropout: float
) -> nn.Module:
    blocks = (blocks_per_stage,) * 3
    probabilities = survival_probabilities(sum(blocks), last_survival_probability)
    return chained(
        {"stem": ConvNorm(in_channels, 16)},
        stages(_blocks_of_decay(probabilities), 16, (16, 32, 64), blocks),
        pooled_classifier(64, num_classes, dropout),
    )


def _blocks_of_decay(probabilities: Sequence[float]) -> Block:
    """Makes one block after the other, each with the next of the probabilities."""
    remaining = iter(probabilities)

    def block(in_channels: int, out_channels: int, stride: int) -> StochasticBlock:
        residual = OrderedDict(
            conv1=ConvNorm(in_channels, out_channels, 3, stride),
            conv2=ConvNorm(out_channels, out_channels, activation=None),
        )
        shortcut = ZeroPaddedShortcut(in_channels, out_channels, stride)
        return StochasticBlock(nn.Sequential(OrderedDict(residual)), shortcut, next(remaining))

    return block


_PAPER = "Deep Networks with Stochastic Depth, arXiv 1603.09382"

NETWORKS = {
    "stochastic_depth_resnet110": Network(stochastic_depth_resnet110, year=2016, input_shape=(3, 32, 32), paper=_PAPER),
    "stochastic_depth_small": Network(stochastic_depth_small, year=2016, input_shape=(3, 32, 32), paper=_PAPER),
}
