"""Products of the Hessian of the loss with vectors, all from one graph of the gradient."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens._probe import Probe

Vector = dict[str, Shaped[Tensor, "..."]]
"""A tensor for each parameter."""


class HessianAtPoint:
    """The Hessian of a probe's loss at its parameters as they are; holds the graph of the gradient until dropped."""

    def __init__(self, probe: Probe) -> None:
        with torch.enable_grad():
            self._at = {name: value.detach().clone().requires_grad_() for name, value in probe.parameters.items()}
            parameters = list(self._at.values())
            self._gradient = torch.autograd.grad(
                probe.loss(self._at), parameters, create_graph=True, materialize_grads=True
            )

    def product(self, vector: Mapping[str, Shaped[Tensor, "..."]]) -> Vector:
        """The Hessian times a vector; zero where the gradient does not depend on the parameters."""
        reached = [(g, vector[name]) for name, g in zip(self._at, self._gradient, strict=True) if g.requires_grad]
        if not reached:
            return {name: torch.zeros_like(value) for name, value in self._at.items()}
        gradients, along = zip(*reached, strict=True)
        products = torch.autograd.grad(
            gradients, list(self._at.values()), along, retain_graph=True, materialize_grads=True
        )
        return dict(zip(self._at, products, strict=True))

    def random_normals(self, generator: torch.Generator) -> Vector:
        """A vector of independent normal entries, which has a part along every direction."""
        return {
            name: torch.randn(value.shape, generator=generator, dtype=value.dtype).to(value)
            for name, value in self._at.items()
        }

    def random_signs(self, generator: torch.Generator) -> Vector:
        """A vector of entries ±1."""
        return {
            name: torch.randint(0, 2, value.shape, generator=generator).to(value).mul_(2).sub_(1)
            for name, value in self._at.items()
        }


def dot(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> Float[Tensor, ""]:
    """The inner product of two vectors."""
    return torch.stack([(value * second[name]).sum() for name, value in first.items()]).sum()
