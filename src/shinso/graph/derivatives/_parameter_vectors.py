"""Parameters in any nest of dicts and lists as one flat vector, and back."""

from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree


def flat_vector(tree: Any) -> Tensor:
    """All entries of the tensors in a nest, in order."""
    return torch.cat([leaf.reshape(-1) for leaf in pytree.tree_leaves(tree)])


def unflattened(vector: Tensor, like: Any) -> Any:
    """The entries of a flat vector in the nest, shapes, types and devices of ``like``."""
    leaves, structure = pytree.tree_flatten(like)
    parts = torch.split(vector, [leaf.numel() for leaf in leaves])
    shaped = [part.reshape(leaf.shape).to(leaf) for part, leaf in zip(parts, leaves, strict=True)]
    return pytree.tree_unflatten(shaped, structure)


def in_the_shape_of(vector: Any, parameters: Any) -> Any:
    """A vector given flat, or like the parameters, as a nest like them; raises ValueError if it is neither."""
    leaves, structure = pytree.tree_flatten(parameters)
    given, its_structure = pytree.tree_flatten(vector)
    shapes, its_shapes = [tuple(leaf.shape) for leaf in leaves], [tuple(getattr(leaf, "shape", ())) for leaf in given]
    if structure == its_structure and shapes == its_shapes:
        return vector
    size = sum(leaf.numel() for leaf in leaves)
    if isinstance(vector, Tensor) and vector.shape == (size,):
        return unflattened(vector, parameters)
    raise ValueError(
        f"the vector has tensors of shapes {its_shapes}; expected those of the parameters, {shapes}, nested in the "
        f"same way, or one of shape ({size},)"
    )


def check_parameters(parameters: Any) -> None:
    """Raises ValueError unless all leaves are tensors of real numbers, and there are some."""
    leaves = pytree.tree_leaves(parameters)
    if not leaves:
        raise ValueError("there are no parameters; give a tensor, or a dict or list of them, as loss(parameters) takes")
    for leaf in leaves:
        if not isinstance(leaf, Tensor) or not leaf.is_floating_point():
            kind = leaf.dtype if isinstance(leaf, Tensor) else type(leaf).__name__
            raise ValueError(f"a parameter is of type {kind}; derivatives need tensors of real numbers")
