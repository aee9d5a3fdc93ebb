"""A graph in which known patterns are replaced by better operations (lecture 004 section 6.5.9)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree

from shinso._text_columns import columns
from shinso.graph._graph import Graph
from shinso.graph._node import Node, TensorSpec
from shinso.graph._notation import operation_text
from shinso.graph._tables import shape_text

_UNNUMBERED = 0


@dataclass(frozen=True, eq=False)
class Place:
    """Where a pattern was found: its operations in the graph before, and those in the graph after."""

    pattern: str
    before: tuple[Node, ...]
    after: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.pattern}\n\nbefore\n{_table(self.before)}\n\nafter\n{_table(self.after)}"


@dataclass(frozen=True, eq=False)
class Rewriting:
    """A graph, the graph it became and the places that changed; ``print(rewriting)`` shows each before and after."""

    before: Graph
    after: Graph
    places: tuple[Place, ...]

    def __str__(self) -> str:
        if not self.places:
            return f"no pattern found in {self.before.name}"
        count = f"{len(self.places)} place" + "s" * (len(self.places) > 1)
        sizes = f"{len(self.before.operations)} operations become {len(self.after.operations)}"
        return "\n\n".join([f"{self.before.name}: {count}, {sizes}", *map(str, self.places)])


@dataclass(frozen=True, eq=False)
class Match:
    """A pattern found: ``new`` has the value of the old graph's node ``old``."""

    pattern: str
    old: Node
    new: Node
    """Its arguments are nodes of the old graph, or further new ones."""
    bindings: Mapping[Node, Tensor] = field(default_factory=dict)
    """The values of new nodes that are not computed."""


def new_operation(like: Node, target: Callable[..., Any], *args: Any, spec: Any = None) -> Node:
    """An operation where ``like`` was, of its shape and type unless another is given."""
    name = getattr(target, "__name__", str(target)).split(".")[0]
    spec = like.spec if spec is None else spec
    return Node(_UNNUMBERED, name, "operation", spec, target, args, {}, like.module, like.context)


def new_parameter(name: str, value: Tensor) -> Node:
    """A parameter that the old graph does not have."""
    return Node(_UNNUMBERED, name, "parameter", TensorSpec(tuple(value.shape), value.dtype, value.device))


def rewrite(graph: Graph, matches: list[Match]) -> Rewriting:
    """The graph with each match's new node in the place of the old one.

    What nothing needs any more is left out; names, modules and the order of computation stay.
    """
    if not matches:
        return Rewriting(graph, graph, ())
    replaced = {match.old: match.new for match in matches}
    bindings = {**graph.bindings, **{node: value for match in matches for node, value in match.bindings.items()}}
    used = _reached(graph.outputs, replaced)
    unused_before = set(graph.nodes) - _reached(graph.outputs, {})
    order: list[Node] = []
    for node in graph.nodes:
        order += _added(replaced[node], set(graph.nodes)) if node in replaced else [node]
    kept = list(dict.fromkeys(node for node in order if node in used or node in unused_before))
    final = _numbered(kept, replaced)
    output = pytree.tree_map(
        lambda leaf: final[replaced.get(leaf, leaf)] if isinstance(leaf, Node) else leaf, graph.output
    )
    after = Graph(tuple(final.values()), output, {final[n]: bindings[n] for n in kept if n in bindings}, graph.name)
    places = tuple(_place(graph, match, final) for match in matches if match.new in used)
    return Rewriting(graph, after, places)


def _reached(outputs: tuple[Node, ...], replaced: Mapping[Node, Node]) -> set[Node]:
    """All that the outputs need once nodes are replaced."""
    waiting = [replaced.get(node, node) for node in outputs]
    found = set(waiting)
    while waiting:
        for parent in waiting.pop().parents:
            node = replaced.get(parent, parent)
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def _added(node: Node, old: set[Node]) -> list[Node]:
    """The node and the new ones it is computed from, in order."""
    if node in old:
        return []
    return [added for parent in node.parents for added in _added(parent, old)] + [node]


def _numbered(kept: list[Node], replaced: Mapping[Node, Node]) -> dict[Node, Node]:
    """The finished node for each one kept: sources up to v₀ first, then operations from v₁."""
    sources = [node for node in kept if not node.is_operation]
    operations = [node for node in kept if node.is_operation]
    final: dict[Node, Node] = {}

    def finished(leaf: Any) -> Any:
        return final[replaced.get(leaf, leaf)] if isinstance(leaf, Node) else leaf

    for number, node in enumerate(sources + operations, start=1 - len(sources)):
        args, kwargs = pytree.tree_map(finished, (node.args, dict(node.kwargs)))
        final[node] = replace(node, number=number, args=args, kwargs=kwargs)
    return final


def _place(graph: Graph, match: Match, final: Mapping[Node, Node]) -> Place:
    added = _added(match.new, set(graph.nodes))
    boundary = {parent for node in added for parent in node.parents}
    waiting, inside = [match.old], {match.old}
    while waiting:
        for parent in waiting.pop().parents:
            if parent.is_operation and parent not in boundary and parent not in inside:
                inside.add(parent)
                waiting.append(parent)
    before = tuple(node for node in graph.operations if node in inside)
    return Place(match.pattern, before, tuple(final[node] for node in added if node.is_operation))


def _table(nodes: tuple[Node, ...]) -> str:
    rows = ((node.symbol, operation_text(node), shape_text(node.spec), node.module) for node in nodes)
    return columns(("value", "operation", "shape", "module"), rows)
