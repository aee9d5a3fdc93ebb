"""A loss taken apart at the model's outputs."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.utils import _pytree as pytree  # torch's only way to walk nested outputs

from shinso.lens._probe import Probe
from shinso.lens.curvature._curvature_matrix import Named

T = TypeVar("T")


class SplitLoss(NamedTuple):
    """The model up to its outputs, and the loss from there on: two graphs that do not touch."""

    outputs: tuple[Tensor, ...]
    """What depends on the parameters, as made by the model."""
    at: tuple[Tensor, ...]
    """The same numbers, from which the loss was taken."""
    loss: Tensor


def from_outputs(probe: Probe, point: Named, function: Callable[[Any, Any], T]) -> T:
    """A function of outputs and targets in a run of the model at a point, with the care that the probe takes."""
    found: list[T] = []

    def see(outputs: Any, targets: Any) -> Tensor:
        found.append(function(outputs, targets))
        return torch.zeros(())

    other = copy.copy(probe)
    other.loss_function = see
    other.loss(point)
    return found[0]


def split_loss(probe: Probe, point: Named) -> SplitLoss:
    """A run of the model at a point; raises ValueError if the outputs do not depend on the parameters."""

    def split(outputs: Any, targets: Any) -> SplitLoss:
        leaves, structure = pytree.tree_flatten(outputs)
        varying = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.requires_grad]
        cut = [leaf.detach().requires_grad_() if place in varying else leaf for place, leaf in enumerate(leaves)]
        loss = probe.loss_function(pytree.tree_unflatten(cut, structure), targets)
        return SplitLoss(tuple(leaves[place] for place in varying), tuple(cut[place] for place in varying), loss)

    found = from_outputs(probe, point, split)
    if not found.outputs:
        raise ValueError("the model's outputs do not depend on its trained parameters: check what it returns")
    return found
