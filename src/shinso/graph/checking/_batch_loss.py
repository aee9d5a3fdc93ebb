"""What a batch consists of, and the loss that goes with it where none is given."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.utils import _pytree as pytree

from shinso.graph.checking._repeatable_loss import Loss


def batch_parts(batch: Any) -> tuple[Any, Any]:
    """Inputs and targets."""
    if isinstance(batch, tuple | list) and len(batch) in (1, 2):
        return batch[0], batch[1] if len(batch) == 2 else None
    if isinstance(batch, Tensor) or hasattr(batch, "keys"):
        return batch, None
    size = f"{len(batch)} parts" if isinstance(batch, tuple | list) else type(batch).__name__
    raise ValueError(
        f"a batch is (inputs, targets), (inputs,) or a tensor; got {size}: for several inputs ((a, b, …),)"
    )


def default_loss(targets: Any) -> Loss:
    if targets is None:
        return _random_combination
    if not isinstance(targets, Tensor):
        raise ValueError(f"targets are a {type(targets).__name__}; for other targets than a tensor give a loss")
    return _mean_squared_error if targets.is_floating_point() else F.cross_entropy


def _mean_squared_error(output: Tensor, targets: Tensor) -> Tensor:
    if output.shape != targets.shape:
        raise ValueError(
            f"the outputs have shape {tuple(output.shape)} and the targets {tuple(targets.shape)}; give a loss for "
            f"them, or ((first, second),) if both are inputs"
        )
    return F.mse_loss(output, targets)


def _random_combination(output: Any) -> Tensor:
    """The outputs with fixed random weights, so that no error cancels another."""
    tensors = [leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
    if not tensors:
        raise ValueError(f"the model returned {type(output).__name__} without a floating-point tensor; give a loss")
    generator = torch.Generator().manual_seed(0)
    terms = []
    for tensor in tensors:
        weights = torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5
        terms.append((tensor * weights.to(tensor) / tensor.numel() ** 0.5).sum())
    return torch.stack(terms).sum()
