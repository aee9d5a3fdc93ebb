"""The values of all nodes, in order (lecture 004 algorithm 6.1)."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from shinso.graph._node import Node, with_values

if TYPE_CHECKING:
    from shinso.graph._graph import Graph

Values = dict[Node, Any]


def evaluate(graph: "Graph", given: Mapping[Node, Tensor] | None = None) -> Values:
    """The value of each node; ``given`` replaces what the graph was traced with.

    Random operations draw anew. Raises ValueError for a value of another shape or type than was traced.
    """
    values = given_values(graph, given)
    with torch.no_grad():
        for node in graph.operations:
            values[node] = compute(node, values)
    return values


def given_values(graph: "Graph", given: Mapping[Node, Tensor] | None = None) -> Values:
    """The values that the graph starts from, buffers copied, since some operations update them."""
    values: Values = {}
    for node in graph.nodes:
        if node.is_operation:
            continue
        value = graph.bindings[node].detach()
        values[node] = value.clone() if node.role == "buffer" else value
    for node, replacement in (given or {}).items():
        _check(node, replacement)
        values[node] = replacement.detach()
    return values


def compute(node: Node, values: Values) -> Any:
    """The value of an operation from those of its parents."""
    assert node.target is not None
    args, kwargs = with_values(node, values.__getitem__)
    with autocast_of(node):
        return node.target(*args, **kwargs)


def autocast_of(node: Node) -> AbstractContextManager[Any]:
    """The autocast that the operation was traced under."""
    if node.context.autocast is None:
        return nullcontext()
    device, dtype, enabled, _ = node.context.autocast
    # The cache would hand the same converted leaf to several operations, each of which is differentiated by itself.
    return torch.autocast(device, dtype, enabled, cache_enabled=False)


def _check(node: Node, value: Tensor) -> None:
    if node.is_operation:
        raise ValueError(f"{node.symbol} ({node.name}) is computed; only inputs and parameters can be given")
    if tuple(value.shape) != node.spec.shape:
        raise ValueError(
            f"{node.name} was traced with shape {node.spec.shape}; got {tuple(value.shape)}: trace it again"
        )
    if value.dtype != node.spec.dtype:
        raise ValueError(f"{node.name} was traced with {node.spec.dtype}; got {value.dtype}")
