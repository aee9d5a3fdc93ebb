"""The trained parameters of a model as one flat vector, and back."""

from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import pairwise

import torch
from jaxtyping import Float, Shaped
from torch import Tensor


class ParameterVectors:
    """Vectors of as many numbers as the named parameters have, in their order."""

    def __init__(self, parameters: Mapping[str, Shaped[Tensor, "..."]]) -> None:
        if not parameters:
            raise ValueError("there are no trained parameters: set requires_grad on those to be looked at")
        odd = {name: str(value.dtype) for name, value in parameters.items() if not value.is_floating_point()}
        if odd:
            raise ValueError(f"curvature is defined here for real parameters; got {odd}")
        self.shapes = {name: value.shape for name, value in parameters.items()}
        self._dtypes = {name: value.dtype for name, value in parameters.items()}
        # Sums over many parameters need at least single precision.
        self.dtype = reduce(torch.promote_types, self._dtypes.values(), torch.float32)
        self.device = next(iter(parameters.values())).device

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order of the vector."""
        return tuple(self.shapes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers each parameter has."""
        return tuple(shape.numel() for shape in self.shapes.values())

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return sum(self.sizes)

    def flat(self, tensors: Mapping[str, Shaped[Tensor, "..."]]) -> Float[Tensor, " parameters"]:
        """The tensors as one vector."""
        return torch.cat([tensors[name].detach().reshape(-1).to(self.device, self.dtype) for name in self.shapes])

    def named(
        self, vector: Float[Tensor, " parameters"], like: Mapping[str, Tensor] | None = None
    ) -> dict[str, Shaped[Tensor, "..."]]:
        """The parts of a vector by parameter, in the parameters' own types and on the devices of ``like``."""
        if vector.shape != (self.size,):
            raise ValueError(f"a vector of shape ({self.size},) is needed, one number by parameter; got {vector.shape}")
        parts = zip(self.shapes.items(), torch.split(vector, list(self.sizes)), strict=True)
        devices = {name: (like or {}).get(name, vector).device for name in self.shapes}
        return {name: part.view(shape).to(devices[name], self._dtypes[name]) for (name, shape), part in parts}

    def random_signs(self, generator: torch.Generator) -> Float[Tensor, " parameters"]:
        """A vector of ±1 with equal chances (Rademacher); the same on every device."""
        signs = torch.randint(2, (self.size,), generator=generator, device=generator.device)
        return signs.to(self.device, self.dtype).mul_(2).sub_(1)

    def random_normal(self, generator: torch.Generator) -> Float[Tensor, " parameters"]:
        """A vector of independent standard normal numbers; the same on every device."""
        return torch.randn(self.size, generator=generator, device=generator.device).to(self.device, self.dtype)

    def slices(self) -> dict[str, slice]:
        """Where each parameter lies in a vector."""
        ends = torch.tensor([0, *self.sizes]).cumsum(0).tolist()
        return {name: slice(*ends) for name, ends in zip(self.shapes, pairwise(ends), strict=True)}


def by_layer(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The parameters by the layer that holds them: ``block.conv.weight`` and ``block.conv.bias`` by ``block.conv``."""
    layers: dict[str, tuple[str, ...]] = {}
    for name in names:
        layer = name.rpartition(".")[0] or name
        layers[layer] = (*layers.get(layer, ()), name)
    return layers
