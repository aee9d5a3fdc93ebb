"""General back-propagation: a table of gradients, filled from the output by recursion (lecture 004 algorithms 6.5 and
6.6), and the same recursion without the table.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from shinso._text_columns import columns
from shinso.graph._graph import Graph, Key
from shinso.graph._local import Linearization
from shinso.graph._node import Node
from shinso.graph._reverse_mode import add_adjoints, ancestors, descendants, first_adjoint, linearized, the_output
from shinso.graph._tables import value_text

_LARGEST_WITHOUT_TABLE = 1_000_000


@dataclass(frozen=True, eq=False)
class GradientTable:
    """What ``back_propagation`` found, and what it took."""

    gradients: Mapping[Node, Tensor]
    """∂z/∂V for each target, in the order asked."""
    relevant: frozenset[Node]
    """G′: the ancestors of the output that descend from a target."""
    evaluations: Mapping[tuple[Node, Node], int]
    """How often the derivative of an operation in one of its arguments was evaluated, by (operation, argument)."""

    @property
    def total_evaluations(self) -> int:
        """Over all edges. With the table it is their number: each is evaluated once."""
        return sum(self.evaluations.values())

    def __getitem__(self, name: str) -> Tensor:
        """The gradient in the target of this name."""
        found = [gradient for node, gradient in self.gradients.items() if name in (node.name, f"v{node.number}")]
        if not found:
            raise KeyError(f"{name!r} is not among the targets {', '.join(node.name for node in self.gradients)}")
        return found[0]

    def __str__(self) -> str:
        times: Counter[Node] = Counter()
        for (_, argument), count in self.evaluations.items():
            times[argument] += count
        rows = ((n.symbol, n.name, value_text(g), str(times[n])) for n, g in self.gradients.items())
        return columns(("value", "name", "gradient", "terms evaluated"), rows)


def back_propagation(graph: Graph, targets: Sequence[Key] | None = None) -> GradientTable:
    """The gradients of the graph's scalar output in the targets (by default all parameters, or inputs if there are
    none), by algorithm 6.5: prune the graph, then ``build_grad`` for each target, with a table so that nothing is
    built twice.
    """
    built = _Builder(graph, targets)
    # From the output down, so that the recursion of algorithm 6.6 finds its consumers in the table already and a graph
    # of any depth fits Python's stack. Every node of G′ is needed, so nothing is built that would not be.
    for node in reversed(graph.nodes):
        if node in built.relevant:
            built.build(node)
    return built.finished()


def back_propagation_without_table(graph: Graph, targets: Sequence[Key] | None = None) -> GradientTable:
    """The same gradients without a table: the gradient of a node is built anew for each of its consumers, so that the
    number of evaluations grows with the number of paths, exponentially on a chain of diamonds.

    Raises ValueError if the graph has more than a million paths.
    """
    built = _Builder(graph, targets)
    if built.paths() > _LARGEST_WITHOUT_TABLE:
        raise ValueError(
            f"{graph.name} has more than {_LARGEST_WITHOUT_TABLE:,} paths from its output; without a table each is "
            f"walked: use back_propagation"
        )
    built.remember = False
    return built.finished()


class _Builder:
    """The recursion of algorithm 6.6 and its bookkeeping."""

    def __init__(self, graph: Graph, targets: Sequence[Key] | None) -> None:
        self.graph = graph
        self.output = the_output(graph)
        default = graph.parameters or tuple(node for node in graph.inputs if node.spec.dtype.is_floating_point)
        self.targets = default if targets is None else tuple(graph[target] for target in targets)
        self.relevant = descendants(graph, self.targets) & ancestors(self.output)
        self.values, self._local = linearized(graph, self.relevant)
        self.table: dict[Node, Any] = {self.output: first_adjoint(self.output, self.values[self.output], None)}
        self.evaluations: Counter[tuple[Node, Node]] = Counter()
        self.remember = True

    def build(self, node: Node) -> Any:
        """``build_grad``: the sum over consumers of their gradient times their derivative in the node."""
        if node in self.table:
            return self.table[node]
        gradient: Any = None
        for consumer in self.graph.consumers[node]:
            if consumer in self.relevant:
                above = self.build(consumer)
                self.evaluations[consumer, node] += 1
                gradient = add_adjoints(gradient, _pulled_back(self._local[consumer], node, above))
        if self.remember:
            self.table[node] = gradient
        return gradient

    def finished(self) -> GradientTable:
        gradients = {}
        for target in self.targets:
            gradient = self.build(target) if target in self.relevant else None
            gradients[target] = torch.zeros_like(self.values[target]) if gradient is None else gradient
        return GradientTable(gradients, frozenset(self.relevant), dict(self.evaluations))

    def paths(self) -> int:
        """How many times ``build`` would be called without a table."""
        calls: dict[Node, int] = {}
        for node in reversed(self.graph.nodes):
            if node in self.relevant:
                consumers = [consumer for consumer in self.graph.consumers[node] if consumer in self.relevant]
                calls[node] = 1 + sum(calls[consumer] for consumer in consumers) if node is not self.output else 1
        return sum(calls[target] for target in self.targets if target in calls)


def _pulled_back(local: Linearization, node: Node, adjoint: Any) -> Any:
    """``op.bprop``: the adjoint of an operation's result, pulled back to one of its arguments."""
    return None if adjoint is None else local.for_one(node).pull_back(adjoint).get(node)
