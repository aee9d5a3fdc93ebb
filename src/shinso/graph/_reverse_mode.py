"""Reverse mode: one sweep forward for the values, one back for the adjoints (lecture 003 equations 18 and 19, figure
6; lecture 004 algorithm 6.2).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from shinso._text_columns import columns
from shinso.graph._by_hand import rounded
from shinso.graph._evaluate import Values, compute, given_values
from shinso.graph._local import Linearization, is_differentiable, linearize
from shinso.graph._node import Node
from shinso.graph._notation import adjoint_text, operation_text
from shinso.graph._tables import value_text

if TYPE_CHECKING:
    from shinso.graph._graph import Graph, Key


@dataclass(frozen=True, eq=False)
class ReverseTrace:
    """Primals and adjoints of a graph's nodes. ``trace["W"]`` is the adjoint of W; ``print(trace)`` is figure 6."""

    graph: "Graph"
    primals: Mapping[Node, Any]
    adjoints: Mapping[Node, Any]
    """∂output/∂node, for each node that the output depends on smoothly."""

    @property
    def value(self) -> Tensor:
        """What the graph computed."""
        result: Tensor = self.primals[self.graph.outputs[0]]
        return result

    def __getitem__(self, key: "Key") -> Tensor:
        """The adjoint of a node, zeros where the output does not depend on it."""
        node = self.graph[key]
        adjoint = self.adjoints.get(node)
        found: Tensor = torch.zeros_like(self.primals[node]) if adjoint is None else adjoint
        return found

    def __str__(self) -> str:
        forward = ((n.symbol, operation_text(n), value_text(self.primals[n])) for n in self.graph.nodes)
        back = (
            (n.symbol, adjoint_text(n, self._takers(n)), value_text(self.adjoints[n]))
            for n in reversed(self.graph.nodes)
            if n in self.adjoints
        )
        primal = columns(("value", "primal", "is"), forward)
        return primal + "\n\n" + columns(("value", "adjoint", "is"), back)

    def _takers(self, node: Node) -> list[Node]:
        return [taker for taker in self.graph.consumers[node] if taker in self.adjoints]


def reverse_mode(graph: "Graph", adjoint: Tensor | None = None, digits: int | None = None) -> ReverseTrace:
    """The primal and adjoint of each node that the graph's output depends on.

    ``adjoint`` is that of the output, by default 1. With ``digits``, every result is rounded to so many, as by hand.
    Raises ValueError if the output is not one tensor, or is no scalar
    and no adjoint is given.
    """
    output = the_output(graph)
    relevant = descendants(graph, (*graph.inputs, *graph.parameters)) & ancestors(output)
    values, local = linearized(graph, relevant, digits)
    bars: Values = {output: first_adjoint(output, values[output], adjoint)}
    for node in reversed(graph.operations):
        if node not in bars or node not in local:
            continue
        for parent, bar in local[node].pull_back(bars[node]).items():
            bars[parent] = rounded(add_adjoints(bars.get(parent), bar), digits)
    return ReverseTrace(graph, values, {node: bars[node] for node in graph.nodes if node in bars})


def linearized(
    graph: "Graph", relevant: set[Node], digits: int | None = None
) -> tuple[Values, dict[Node, Linearization]]:
    """All values, and the linearization of each relevant operation."""
    values, local = given_values(graph), {}
    for node in graph.operations:
        if node in relevant:
            local[node] = linearize(node, values, relevant)
            values[node] = rounded(local[node].value, digits)
        else:
            with torch.no_grad():
                values[node] = compute(node, values)
    return values, local


def ancestors(node: Node) -> set[Node]:
    """The node and all that its value is computed from."""
    found, waiting = {node}, [node]
    while waiting:
        for parent in waiting.pop().parents:
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


def descendants(graph: "Graph", nodes: Iterable[Node]) -> set[Node]:
    """The nodes and all that is computed from them with gradients on."""
    found = set(nodes)
    for node in graph.operations:
        if node.context.gradients and not found.isdisjoint(node.parents):
            found.add(node)
    return found


def the_output(graph: "Graph") -> Node:
    """The graph's one output; raises ValueError if it has several."""
    if len(graph.outputs) != 1:
        raise ValueError(
            f"{graph.name} returns {len(graph.outputs)} tensors; derivatives need a function that returns one: trace "
            f"one that adds them up or returns the one that you mean"
        )
    return graph.outputs[0]


def first_adjoint(output: Node, value: Tensor, adjoint: Tensor | None) -> Tensor:
    """The adjoint that the sweep back starts with."""
    if adjoint is None:
        if value.numel() != 1:
            raise ValueError(
                f"the output {output.symbol} has shape {tuple(value.shape)}; reverse mode starts from a scalar: trace "
                f"a function that returns the loss, or give an adjoint of that shape"
            )
        return torch.ones_like(value)
    if not is_differentiable(value) or adjoint.shape != value.shape:
        raise ValueError(f"the adjoint has shape {tuple(adjoint.shape)}; the output has shape {tuple(value.shape)}")
    return adjoint.to(value.dtype)


def add_adjoints(first: Any, second: Any) -> Any:
    """The sum over two paths; None is zero."""
    if first is None or second is None:
        return second if first is None else first
    if isinstance(first, list):
        return [add_adjoints(*pair) for pair in zip(first, second, strict=True)]
    return first + second
