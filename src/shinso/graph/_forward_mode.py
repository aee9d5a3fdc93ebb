"""Forward mode: values and tangents in one sweep (lecture 003 equations 15 to 17, figure 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from shinso._text_columns import columns
from shinso.graph._by_hand import rounded
from shinso.graph._evaluate import Values, given_values
from shinso.graph._local import push_forward
from shinso.graph._node import Node
from shinso.graph._notation import operation_text, tangent_text
from shinso.graph._reverse_mode import the_output
from shinso.graph._tables import value_text

if TYPE_CHECKING:
    from shinso.graph._graph import Graph, Key

Tangents = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class ForwardTrace:
    """Primals and tangents of a graph's nodes. ``trace["v3"]`` is the tangent of v₃; ``print(trace)`` is figure 5."""

    graph: "Graph"
    primals: Mapping[Node, Any]
    tangents: Mapping[Node, Any]
    """The derivative of each node in the direction chosen; nodes that do not move are left out."""

    @property
    def value(self) -> Tensor:
        """What the graph computed."""
        result: Tensor = self.primals[the_output(self.graph)]
        return result

    @property
    def tangent(self) -> Tensor:
        """The derivative of the graph's output."""
        return self[the_output(self.graph)]

    def __getitem__(self, key: "Key") -> Tensor:
        """The tangent of a node, zeros where it does not move."""
        node = self.graph[key]
        tangent = self.tangents.get(node)
        found: Tensor = torch.zeros_like(self.primals[node]) if tangent is None else tangent
        return found

    def __str__(self) -> str:
        rows = []
        for node in self.graph.nodes:
            moves = node in self.tangents
            text = tangent_text(node, self.tangents) if moves and node.is_operation else ""
            tangent = value_text(self.tangents[node]) if moves else "0"
            rows.append((node.symbol, operation_text(node), value_text(self.primals[node]), text, tangent))
        return columns(("value", "primal", "is", "tangent", "is"), rows)


def forward_mode(graph: "Graph", wrt: "Key | Tangents", digits: int | None = None) -> ForwardTrace:
    """The primal and tangent of each node in a direction: a scalar input by its name or number, or a mapping from
    names to tangents of their shapes. With ``digits``, every result is rounded to so many, as by hand.

    Raises ValueError for a direction that is no input, or whose shape does not fit.
    """
    values = given_values(graph)
    tangents: Values = {}
    for node, tangent in _directions(graph, wrt).items():
        tangents[node] = tangent.to(values[node])
    with torch.no_grad():
        for node in graph.operations:
            values[node], tangent = rounded(push_forward(node, values, tangents), digits)
            if tangent is not None:
                tangents[node] = tangent
    return ForwardTrace(graph, values, tangents)


def _directions(graph: "Graph", wrt: "Key | Tangents") -> dict[Node, Tensor]:
    if isinstance(wrt, Mapping):
        directions = {graph[name]: tangent for name, tangent in wrt.items()}
    else:
        node = graph[wrt]
        if not node.is_operation and node.spec.elements != 1:
            raise ValueError(
                f"{node.name} has {node.spec.elements} entries; say in which direction it moves: "
                f"forward_mode({{{node.name!r}: tangent}})"
            )
        directions = {node: torch.ones(node.specs[0].shape)}
    for node, tangent in directions.items():
        if node.is_operation:
            raise ValueError(f"{node.symbol} ({node.name}) is computed; forward mode starts from inputs and parameters")
        if tuple(tangent.shape) != node.spec.shape:
            raise ValueError(f"the tangent of {node.name} has shape {tuple(tangent.shape)}; expected {node.spec.shape}")
        if not (node.spec.dtype.is_floating_point or node.spec.dtype.is_complex):
            raise ValueError(f"{node.name} holds {node.spec.dtype}; derivatives need real numbers")
    return directions
