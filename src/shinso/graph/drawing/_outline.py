"""What is drawn, before it has a place: boxes, in groups for the modules they were computed in."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from shinso.graph._graph import Graph
from shinso.graph._node import Node

Kind = Literal["input", "operation", "output"]


@dataclass(frozen=True, eq=False)
class Box:
    """One thing without parts: an operation, or a pill for what comes in or goes out."""

    kind: Kind
    node: Node
    title: str
    """Path of the module that consists of it alone, from the group around it; the name of an input or output."""

    @property
    def takes(self) -> tuple[Node, ...]:
        """The nodes whose values it takes."""
        return (self.node,) if self.kind == "output" else self.node.parents

    @property
    def gives(self) -> Node | None:
        """The node whose value it gives."""
        return None if self.kind == "output" else self.node


@dataclass(eq=False)
class Group:
    """One call of a module, or the whole graph (path ``""``)."""

    path: str
    title: str = ""
    """Its path from the group around it."""
    parts: list["Part"] = field(default_factory=list)
    call: str = ""
    """``call 2 of 3`` of a module that is called several times."""

    @cached_property
    def operations(self) -> tuple[Node, ...]:
        """The operations in it, however deep."""
        return tuple(box.node for box in boxes(self) if box.kind == "operation")

    @property
    def depth(self) -> int:
        """1 for a module of the network's own, 2 for a module of such a module."""
        return self.path.count(".") + 1 if self.path else 0


Part = Box | Group


def outline(graph: Graph) -> Group:
    """The whole graph: inputs, then operations in the groups of their modules, then outputs.

    A group is a run of operations that follow each other, since what follows in a topological order never leads
    back: groups form no cycle, even where a module is called twice. A module of one part is drawn as that part.
    """
    whole = Group("")
    whole.parts += [Box("input", node, node.name) for node in _given(graph)]
    open_groups = [whole]
    for node in graph.operations:
        paths = _enclosing(node.module)
        while len(open_groups) > 1 and open_groups[-1].path not in paths:
            open_groups.pop()
        for path in paths[len(open_groups) - 1 :]:
            group = Group(path)
            open_groups[-1].parts.append(group)
            open_groups.append(group)
        open_groups[-1].parts.append(Box("operation", node, node.module))
    whole.parts += _results(graph)
    whole.parts = [_simplified(part, whole) for part in whole.parts]
    _number_calls(whole)
    return whole


def is_scalar_function(graph: Graph) -> bool:
    """Whether all values are numbers, as in lecture 003 figure 1: parameters are then nodes and shapes go unsaid."""
    return len(graph.nodes) <= 60 and all(spec.shape == () for node in graph.nodes for spec in node.specs)


def boxes(part: Part) -> Iterator[Box]:
    """The boxes in it, however deep."""
    if isinstance(part, Box):
        yield part
    else:
        for inner in part.parts:
            yield from boxes(inner)


def groups(part: Part) -> Iterator[Group]:
    """The groups in it and itself, outer ones first."""
    if isinstance(part, Group):
        yield part
        for inner in part.parts:
            yield from groups(inner)


def _given(graph: Graph) -> list[Node]:
    if is_scalar_function(graph):
        return [node for node in graph.nodes if not node.is_operation]
    return list(graph.inputs)


def _results(graph: Graph) -> list[Box]:
    outputs = dict.fromkeys(graph.outputs)
    names = ["output"] if len(outputs) == 1 else [f"output {position}" for position in range(1, len(outputs) + 1)]
    return [Box("output", node, name) for node, name in zip(outputs, names, strict=True)]


def _enclosing(module: str) -> list[str]:
    """``a.b`` is in ``a`` and in ``a.b``."""
    names = module.split(".") if module else []
    return [".".join(names[:end]) for end in range(1, len(names) + 1)]


def _simplified(part: Part, around: Group) -> Part:
    while isinstance(part, Group) and len(part.parts) == 1:
        part = part.parts[0]
    if isinstance(part, Box):
        return part if part.kind != "operation" else Box(part.kind, part.node, _relative(part.title, around.path))
    part.title = _relative(part.path, around.path)
    part.parts = [_simplified(inner, part) for inner in part.parts]
    return part


def _relative(path: str, to: str) -> str:
    return path[len(to) :].removeprefix(".")


def _number_calls(whole: Group) -> None:
    every = [group for group in groups(whole) if group.path]
    counts, seen = Counter(group.path for group in every), Counter[str]()
    for group in every:
        seen[group.path] += 1
        if counts[group.path] > 1:
            group.call = f"call {seen[group.path]} of {counts[group.path]}"
