"""Derivatives of one operation, by torch: what goes forward through it, and what comes back.

Everything larger than one operation is done by the walks over the graph, which are ours.
"""

import operator
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.utils import _pytree as pytree

from shinso.graph._evaluate import Values, compute
from shinso.graph._node import Node


@dataclass(frozen=True)
class Linearization:
    """An operation at a point: its result, and what torch keeps to pull adjoints back through it."""

    node: Node
    value: Any
    operands: Mapping[Node, Tensor]
    """Stand-ins for the parents that adjoints are wanted for."""
    result: Any
    is_kept: bool = False
    """Whether it can be pulled back through again; otherwise torch lets go of what it has kept."""

    def pull_back(self, adjoint: Any) -> dict[Node, Any]:
        """The adjoint of the result times the local derivative, for each operand (lecture 003 equation 19).

        Operands that the result does not depend on smoothly are left out.
        """
        if self.node.target is operator.getitem:
            return _pulled_back_item(self.node, adjoint, self.value)
        pairs = [
            (result, bar)
            for result, bar in zip(pytree.tree_leaves(self.result), _leaves(adjoint), strict=True)
            if bar is not None and isinstance(result, Tensor) and result.requires_grad
        ]
        if not pairs or not self.operands:
            return {}
        results, bars = zip(*pairs, strict=True)
        gradients = torch.autograd.grad(
            results, tuple(self.operands.values()), bars, retain_graph=self.is_kept, allow_unused=True
        )
        return {node: bar for node, bar in zip(self.operands, gradients, strict=True) if bar is not None}

    def for_one(self, operand: Node) -> "Linearization":
        """The same, pulling back to one operand alone, as often as one likes."""
        chosen = {node: value for node, value in self.operands.items() if node is operand}
        return replace(self, operands=chosen, is_kept=True)


def linearize(node: Node, values: Values, wanted: Collection[Node]) -> Linearization:
    """The operation at the values of its parents, differentiable in those of them that are ``wanted``."""
    if not node.context.gradients or node.target is operator.getitem:
        value = compute(node, values)
        return Linearization(node, value, {}, value)
    operands = {
        parent: values[parent].detach().requires_grad_()
        for parent in node.parents
        if parent in wanted and is_differentiable(values[parent])
    }
    with torch.enable_grad():
        result = compute(node, {**{parent: values[parent] for parent in node.parents}, **operands})
    value = pytree.tree_map(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, result)
    return Linearization(node, value, operands, result)


def push_forward(node: Node, values: Values, tangents: Values) -> tuple[Any, Any]:
    """The value of the operation and its tangent: the local derivatives times the tangents of its parents (lecture
    003 equation 15). A tangent of None stands for zero.
    """
    moving = {
        parent: tangents[parent]
        for parent in node.parents
        if any(leaf is not None for leaf in _leaves(tangents.get(parent)))
    }
    if not moving or not node.context.gradients:
        return compute(node, values), None
    if node.target is operator.getitem:
        (parent,) = node.parents
        return compute(node, values), moving[parent][node.args[1]]
    state = torch.get_rng_state()
    try:
        return _with_dual_tensors(node, values, moving)
    except NotImplementedError:
        # Some operations have no forward derivative in torch: theirs is the derivative of their pull-back, which is
        # linear in the adjoint.
        torch.set_rng_state(state)
        return _by_two_pull_backs(node, values, moving)


def is_differentiable(value: Any) -> bool:
    """Whether derivatives with respect to it make sense: a tensor of real or complex numbers."""
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


def _with_dual_tensors(node: Node, values: Values, tangents: Values) -> tuple[Any, Any]:
    ad: Any = forward_ad
    with ad.dual_level():
        moved = {
            parent: ad.make_dual(values[parent], tangent.to(values[parent].dtype))
            for parent, tangent in tangents.items()
        }
        result = compute(node, {**{parent: values[parent] for parent in node.parents}, **moved})
        leaves, structure = pytree.tree_flatten(result)
        pairs = [ad.unpack_dual(leaf) if isinstance(leaf, Tensor) else (leaf, None) for leaf in leaves]
    primals, slopes = zip(*pairs, strict=True)
    return pytree.tree_unflatten(primals, structure), pytree.tree_unflatten(slopes, structure)


def _by_two_pull_backs(node: Node, values: Values, tangents: Values) -> tuple[Any, Any]:
    local = linearize(node, values, tangents)
    results = [leaf for leaf in pytree.tree_leaves(local.result) if isinstance(leaf, Tensor) and leaf.requires_grad]
    bars = [torch.zeros_like(result, requires_grad=True) for result in results]
    operands = list(local.operands.values())
    pulled = torch.autograd.grad(results, operands, bars, create_graph=True, allow_unused=True)
    pairs = [(g, tangents[node]) for g, node in zip(pulled, local.operands, strict=True) if g is not None]
    gradients, directions = zip(*pairs, strict=True)
    moved = iter(torch.autograd.grad(gradients, bars, directions, allow_unused=True))

    def tangent(leaf: Any) -> Tensor | None:
        return next(moved) if isinstance(leaf, Tensor) and leaf.requires_grad else None

    return local.value, pytree.tree_map(tangent, local.result)


def _pulled_back_item(node: Node, adjoint: Any, value: Any) -> dict[Node, Any]:
    parent, position = node.args
    if not is_differentiable(value):
        return {}
    bars: list[Any] = [None] * len(parent.spec)
    bars[position] = adjoint
    return {parent: bars}


def _leaves(tree: Any) -> list[Any]:
    return pytree.tree_leaves(tree, is_leaf=lambda leaf: leaf is None)
