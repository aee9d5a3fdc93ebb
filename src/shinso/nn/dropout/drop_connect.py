"""DropConnect (Wan et al., 2013, "Regularization of Neural Networks using DropConnect"; lecture 003, figure 16).

``p`` is the probability that a weight is dropped, as in torch; the paper's p is that of being kept.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn.dropout._probability import check_probability


class Moments(NamedTuple):
    """Mean and variance of each output."""

    mean: Tensor
    variance: Tensor


class DropConnectLinear(nn.Linear):
    """A linear layer that in training drops weights and biases, each with probability ``p``, anew for each example.

    Maps ``[*, in_features]`` to ``[*, out_features]``; equation 4 without the activation. In evaluation it is the mean
    network, all weights and biases multiplied by 1 − p, which the paper's own evaluation improves on:
    ``DropConnectSampling``. In training it holds ``[*, out_features, in_features]`` masked weights.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, p: float = 0.5) -> None:
        check_probability(p)
        super().__init__(in_features, out_features, bias)
        self.p = p

    def forward(self, input: Float[Tensor, "*batch features"]) -> Float[Tensor, "*batch out"]:
        if not self.training:
            return (1 - self.p) * F.linear(input, self.weight, self.bias)
        weight = self._masked(self.weight, input)
        output = (weight @ input.unsqueeze(-1)).squeeze(-1)
        return output if self.bias is None else output + self._masked(self.bias, input)

    def _masked(self, value: Tensor, input: Tensor) -> Tensor:
        """``value``, dropped here and there, for each example."""
        return value * value.new_empty((*input.shape[:-1], *value.shape)).bernoulli_(1 - self.p)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, p={self.p}"


def drop_connect_moments(layer: DropConnectLinear, x: Float[Tensor, "*batch features"]) -> Moments:
    """Mean and variance of the layer's outputs over all masks: (1 − p)(Wv + b) and p(1 − p)(W²v² + b²), the squares of
    single entries (section 3.2 of the paper, where biases are left out).
    """
    keep = 1 - layer.p
    squared_bias = None if layer.bias is None else layer.bias.square()
    mean = keep * F.linear(x, layer.weight, layer.bias)
    variance = layer.p * keep * F.linear(x.square(), layer.weight.square(), squared_bias)
    return Moments(mean, variance)


class DropConnectSampling(nn.Module):
    """DropConnect and the activation after it, evaluated as published (algorithm 2).

    In training activation(layer(x)). In evaluation the mean of ``activation`` over ``num_samples`` draws of its input,
    held all at once,
    from the normal distribution that has the moments of all masks. Maps ``[*, in_features]`` to what the activation
    makes of ``[*, out_features]``. Raises ValueError for less than one sample.
    """

    def __init__(
        self, layer: DropConnectLinear, activation: Callable[[Tensor], Tensor], num_samples: int = 1000
    ) -> None:
        super().__init__()
        if num_samples < 1:
            raise ValueError(f"num_samples must be at least 1; got {num_samples}")
        self.layer, self.activation, self.num_samples = layer, activation, num_samples

    def forward(self, x: Float[Tensor, "*batch features"]) -> Float[Tensor, "*result"]:
        if self.training:
            return self.activation(self.layer(x))
        mean, variance = drop_connect_moments(self.layer, x)
        noise = torch.randn(self.num_samples, *mean.shape, dtype=mean.dtype, device=mean.device)
        # The root of 0 has no derivative.
        deviation = variance.clamp(min=torch.finfo(variance.dtype).tiny).sqrt()
        return self.activation(mean + deviation * noise).mean(0)

    def extra_repr(self) -> str:
        return f"num_samples={self.num_samples}"
