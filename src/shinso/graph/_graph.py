"""A computational graph as a thing to hold (lecture 003 section 1.1, lecture 004 section 6.5.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.utils import _pytree as pytree

from shinso.graph._node import Node, Role
from shinso.graph._tables import graph_table

if TYPE_CHECKING:
    from shinso.graph._forward_mode import ForwardTrace, Tangents
    from shinso.graph._reverse_mode import ReverseTrace
    from shinso.graph.costs._cost import Cost

Key = int | str | Node


@dataclass(frozen=True, eq=False)
class Graph:
    """What a function or module computes: nodes in topological order, and what it was traced with.

    Made by ``shinso.graph.trace``. ``graph["W"]``, ``graph["v3"]`` and ``graph[3]`` are nodes; ``print(graph)`` is a
    table of them.
    """

    nodes: tuple[Node, ...]
    output: Any
    """A node, or whatever the function returns with nodes in the place of tensors."""
    bindings: Mapping[Node, Tensor]
    """The values of inputs, parameters, buffers and constants (the module's own tensors, not copies)."""
    name: str = "function"

    @cached_property
    def inputs(self) -> tuple[Node, ...]:
        """What the function was called with."""
        return self._of("input")

    @cached_property
    def parameters(self) -> tuple[Node, ...]:
        """What is learned."""
        return self._of("parameter")

    @cached_property
    def operations(self) -> tuple[Node, ...]:
        """What is computed, in order."""
        return self._of("operation")

    @cached_property
    def outputs(self) -> tuple[Node, ...]:
        """The nodes that the function returns."""
        leaves = pytree.tree_leaves(self.output)
        return tuple(leaf for leaf in leaves if isinstance(leaf, Node))

    @cached_property
    def consumers(self) -> Mapping[Node, tuple[Node, ...]]:
        """For each node, the operations that take its value (``get_consumers`` of lecture 004 algorithm 6.6)."""
        found: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for parent in node.parents:
                found[parent].append(node)
        return {node: tuple(takers) for node, takers in found.items()}

    def __getitem__(self, key: Key) -> Node:
        """The node with this number (3 or "v3") or name; raises KeyError if there is none, or more than one."""
        if isinstance(key, Node):
            return key
        found = [node for node in self.nodes if key in (node.number, node.name, f"v{node.number}", node.symbol)]
        if len(found) == 1:
            return found[0]
        if found:
            raise KeyError(f"{len(found)} nodes are called {key!r}: {_some(found)}; take one by its number")
        given = [node for node in self.nodes if not node.is_operation]
        raise KeyError(f"no node is called {key!r}; there are {_some(given)}, and v1 to v{self.nodes[-1].number}")

    def __str__(self) -> str:
        return graph_table(self)

    def __repr__(self) -> str:
        return f"<Graph of {self.name}: {len(self.operations)} operations, {len(self.parameters)} parameters>"

    def evaluate(self, **values: Tensor) -> dict[Node, Any]:
        """The value of every node, from those that the graph was traced with, or others given by name."""
        from shinso.graph._evaluate import evaluate

        return evaluate(self, {self[name]: value for name, value in values.items()})

    def forward_mode(self, wrt: "Key | Tangents", *, digits: int | None = None) -> "ForwardTrace":
        """The primal and tangent of each node, in one sweep from the inputs (lecture 003, figure 5).

        ``wrt`` is a scalar input or parameter, or a mapping from names to tangents of their shapes. With ``digits``,
        every result is rounded to so many significant digits, as by hand.
        """
        from shinso.graph._forward_mode import forward_mode

        return forward_mode(self, wrt, digits)

    def reverse_mode(self, adjoint: Tensor | None = None, *, digits: int | None = None) -> "ReverseTrace":
        """The primal and adjoint of each node, in one sweep each way (lecture 003, figure 6).

        ``adjoint`` is that of the output, by default 1. With ``digits``, every result is rounded to so many significant
        digits, as by hand.
        """
        from shinso.graph._reverse_mode import reverse_mode

        return reverse_mode(self, adjoint, digits)

    def cost(self) -> "Cost":
        """Parameters, multiply-accumulates and memory kept for backward, per node and per module."""
        from shinso.graph.costs._cost import cost

        return cost(self)

    def draw(self, path: str | Path, *, depth: int | None = None) -> Path:
        """Writes the graph as an SVG picture; modules deeper than ``depth`` are folded."""
        from shinso.graph.drawing import draw

        return draw(self, path, depth=depth)

    def _of(self, role: Role) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.role == role)


def _some(nodes: list[Node]) -> str:
    shown = ", ".join(f"{node.symbol} {node.name}" for node in nodes[:8])
    return shown + (", …" if len(nodes) > 8 else "")
