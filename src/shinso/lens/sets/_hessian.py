"""Products of the Hessian of the loss with vectors, all from one graph of the gradient."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens.sets._gradient_graph import GradientGraph, Vector, lacking_is_said


def hessian_product(graph: GradientGraph, vector: Mapping[str, Shaped[Tensor, "..."]]) -> Vector:
    """The Hessian of the graph's loss times a vector; zero where the gradient does not depend on the parameters.

    Raises NotImplementedError where an operation has no second derivative.
    """
    reached = [(gradient, vector[name]) for name, gradient in graph.gradient.items() if gradient.requires_grad]
    if not reached:
        return {name: torch.zeros_like(value) for name, value in graph.at.items()}
    gradients, along = zip(*reached, strict=True)
    at = list(graph.at.values())
    with lacking_is_said():
        products = torch.autograd.grad(gradients, at, along, retain_graph=True, materialize_grads=True)
    return dict(zip(graph.at, products, strict=True))


def random_normals(like: Mapping[str, Shaped[Tensor, "..."]], generator: torch.Generator) -> Vector:
    """A vector of independent normal entries, which has a part along every direction."""
    return {
        name: torch.randn(value.shape, generator=generator, dtype=value.dtype).to(value) for name, value in like.items()
    }


def random_signs(like: Mapping[str, Shaped[Tensor, "..."]], generator: torch.Generator) -> Vector:
    """A vector of entries ±1."""
    # The bits of random bytes, because drawing a number for each entry would take as long as the product.
    sizes = [value.numel() for value in like.values()]
    drawn = torch.randint(256, (-(-sum(sizes) // 8), 1), generator=generator, dtype=torch.uint8)
    signs = (drawn & 2 ** torch.arange(8, dtype=torch.uint8)).ne(0).flatten()[: sum(sizes)].float().mul_(2).sub_(1)
    parts = zip(like.items(), torch.split(signs, sizes), strict=True)
    return {name: part.view(value.shape).to(value) for (name, value), part in parts}


def dot(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> Float[Tensor, ""]:
    """The inner product of two vectors."""
    return torch.stack([(value * second[name]).sum() for name, value in first.items()]).sum()
