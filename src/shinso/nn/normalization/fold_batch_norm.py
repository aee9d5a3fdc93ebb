"""Batch normalisation folded into the layer before it (Ioffe and Szegedy, 2015, algorithm 2, line 11; lecture 000)."""

import copy
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from shinso.nn.normalization._foldable_pairs import TRANSPOSED, foldable_pairs
from shinso.nn.normalization.batch_norm_map import batch_norm_map


@dataclass(frozen=True)
class Folded:
    """A network for evaluation with fewer batch normalisations, and what became of each."""

    network: nn.Module
    folded: dict[str, str]
    """The batch normalisations that are gone (nn.Identity now), and the layer that does the work of each."""
    kept: dict[str, str]
    """Those that stay, and why."""

    def __str__(self) -> str:
        gone = [f"{name} folded into {layer}" for name, layer in self.folded.items()]
        stay = [f"{name} kept: {reason}" for name, reason in self.kept.items()]
        return "\n".join(gone + stay) or "no batch normalisation"


def fold_batch_norm(network: nn.Module, *inputs: Any) -> Folded:
    """A copy in evaluation mode, each batch normalisation in the weights of the layer before it where that is exact.

    γ (w∗x + b − μ)/√(σ² + ε) + β has the weight w·s and the bias (b − μ)·s + β, s = γ/√(σ² + ε). It is done for linear
    layers and convolutions, transposed and grouped ones too, whose result goes to the normalisation alone and which,
    like their weight, are used once.

    ``inputs`` are an example of what the network takes; torch.export traces it with them, so the copy is right for
    inputs that take the same way through it. Hooks and parametrizations are seen. Raises ValueError where torch.export
    cannot trace the network. For graphs rather than modules there is ``shinso.graph.fold_batch_norm``.
    """
    result = copy.deepcopy(network).eval()
    pairs, kept = foldable_pairs(result, inputs)
    for norm, layer in pairs.items():
        _fold(result.get_submodule(layer), result.get_submodule(norm))
        result.set_submodule(norm, nn.Identity())
    return Folded(result, pairs, kept)


def _fold(layer: Any, norm: Any) -> None:
    scale, shift = batch_norm_map(norm)
    weight = layer.weight.detach()
    new_weight = weight.double() * _by_output(scale, layer)
    new_bias = shift if layer.bias is None else layer.bias.detach().double() * scale + shift
    layer.weight = _like(layer.weight, new_weight)
    layer.bias = _like(layer.weight, new_bias)


def _by_output(scale: Tensor, layer: Any) -> Tensor:
    """The scale of each output channel in a shape that broadcasts against the layer's weight."""
    rest = [1] * (layer.weight.ndim - 2)
    if not isinstance(layer, TRANSPOSED):
        return scale.reshape(-1, 1, *rest)
    # Its weight is [in, out per group, *]: the inputs of a group go to the outputs of that group.
    return scale.reshape(layer.groups, -1, *rest).repeat_interleave(layer.in_channels // layer.groups, 0)


def _like(parameter: Tensor, value: Tensor) -> nn.Parameter:
    return nn.Parameter(value.to(parameter.dtype), requires_grad=parameter.requires_grad)
