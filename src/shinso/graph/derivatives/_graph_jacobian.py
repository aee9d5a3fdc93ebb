"""A graph's Jacobian by our own walks, one sweep after the other (lecture 003 equations 16 to 19).

``jacobian_forward`` and ``jacobian_reverse`` do the same for any function, all sweeps in one batch.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from shinso.graph._forward_mode import forward_mode
from shinso.graph._graph import Graph
from shinso.graph._node import Node
from shinso.graph._reverse_mode import reverse_mode, the_output

if TYPE_CHECKING:
    from shinso.graph._graph import Key


def jacobian_by_columns(graph: Graph, wrt: "Key") -> Tensor:
    """∂output/∂input, of the output's shape followed by the input's, by a forward sweep for each entry of the input.

    Raises ValueError if the graph has several outputs, or ``wrt`` is no input or parameter.
    """
    node, output = _given(graph, wrt), the_output(graph)
    columns = [forward_mode(graph, {node.name: direction}).tangent for direction in _unit_tensors(graph.bindings[node])]
    return torch.stack(columns, dim=-1).reshape(*output.spec.shape, *node.spec.shape)


def jacobian_by_rows(graph: Graph, wrt: "Key") -> Tensor:
    """The same by a sweep back for each entry of the output."""
    node, output = _given(graph, wrt), the_output(graph)
    like = torch.empty(output.spec.shape, dtype=output.spec.dtype, device=graph.bindings[node].device)
    rows = [reverse_mode(graph, adjoint)[node] for adjoint in _unit_tensors(like)]
    return torch.stack(rows).reshape(*output.spec.shape, *node.spec.shape)


def _given(graph: Graph, wrt: "Key") -> Node:
    node = graph[wrt]
    if node.is_operation:
        raise ValueError(
            f"{node.symbol} ({node.name}) is computed; a Jacobian is with respect to an input or parameter"
        )
    return node


def _unit_tensors(like: Tensor) -> Tensor:
    identity = torch.eye(like.numel(), dtype=like.dtype, device=like.device)
    return identity.reshape(like.numel(), *like.shape)
