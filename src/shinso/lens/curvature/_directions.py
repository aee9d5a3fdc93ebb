"""Directions in the space of the parameters, of the size of the filters that they change."""

from collections.abc import Mapping

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from shinso.lens._probe import Probe
from shinso.lens._subject import without_wrappers

Direction = Mapping[str, Shaped[Tensor, "..."]]
"""A tensor for each parameter; parameters left out stay where they are."""


def random_direction(probe: Probe, seed: int = 0) -> dict[str, Shaped[Tensor, "..."]]:
    """Independent normal numbers for every trained parameter; the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(value.shape, generator=generator).to(value) for name, value in probe.parameters.items()}


def filter_normalized(probe: Probe, direction: Direction) -> dict[str, Shaped[Tensor, "..."]]:
    """The direction with each filter's part as long as that filter of the model: a step of 1 is one of 100 %.

    A filter is what makes one output: an entry of the first axis of a weight, of the second for transposed
    convolutions. Parameters of fewer than two axes (biases, and what normalisation has) get no part, as in the paper's
    experiments: they are few, and their length says nothing of their effect.

    Rescaling layers of a ReLU network rescales these directions with it, so that slices along them stay as they are.
    Source: Li, Xu, Taylor, Studer and Goldstein 2018, section 4.
    """
    transposed = _transposed_weights(probe.model)
    normalized = {}
    for name, value in probe.parameters.items():
        if name not in direction or value.dim() < 2:
            normalized[name] = torch.zeros_like(value)
        else:
            axis = 1 if name in transposed else 0
            others = [other for other in range(value.dim()) if other != axis]
            length = torch.linalg.vector_norm(direction[name], dim=others, keepdim=True)
            own = torch.linalg.vector_norm(value, dim=others, keepdim=True)
            normalized[name] = direction[name] * (own / length.clamp_min(torch.finfo(value.dtype).tiny))
    return normalized


def _transposed_weights(model: nn.Module) -> frozenset[str]:
    modules = model.named_modules()
    paths = [without_wrappers(path) for path, module in modules if isinstance(module, _ConvTransposeNd)]
    return frozenset(f"{path}.weight" if path else "weight" for path in paths)
