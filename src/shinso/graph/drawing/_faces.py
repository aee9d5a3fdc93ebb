"""What boxes and folded groups say, and the room that it takes."""

from collections.abc import Iterable
from dataclasses import dataclass

from shinso.graph._node import Node
from shinso.graph._notation import operation_text
from shinso.graph._quantities import count_text
from shinso.graph.drawing._colour import Shares
from shinso.graph.drawing._level import Level
from shinso.graph.drawing._outline import Box, Group
from shinso.graph.drawing._text_width import text_width
from shinso.graph.drawing._wording import (
    details,
    parameters_of,
    parameters_text,
    shortened,
    value_text,
)

TITLE, SMALL = 14.0, 11.0
"""Sizes of letters."""
INDENT = 11.0
_LINE, _NARROWEST = 15.0, 132.0


@dataclass(frozen=True)
class Face:
    """The front of a box: a title with a mark at its right, and lines below it."""

    title: str
    mark: str
    lines: tuple[str, ...]
    width: float
    height: float
    ins: tuple[float, ...]
    """Where what it takes arrives, from its centre."""
    outs: tuple[float, ...]
    """Where what it gives leaves."""


def face_of_box(box: Box, takes: int, labels: bool) -> Face:
    """The face of an operation, input or output that ``takes`` that many values; ``labels`` are the shapes beside."""
    node = box.node
    given = 0 if box.kind == "output" else 1
    label = text_width(value_text(node), SMALL) if labels and given else 0.0
    if box.kind == "operation":
        # As PyTorch prints a module: its name in brackets, then what it is.
        said = " ".join(filter(None, (f"({shortened(box.title)})" if box.title else "", details(node))))
        return _face(node.name, node.symbol, (said, parameters_text(node)), takes, given, label)
    return _face(box.title, node.symbol, (), takes, given, label, narrowest=64.0)


def face_of_group(group: Group, level: Level, shares: Shares, labels: bool) -> Face:
    """The face of a folded group: how many operations, parameters and multiply-accumulates."""
    parameters = sum(node.spec.elements for node in parameters_of(group.operations))
    said = f"{len(group.operations)} operations"
    cost = [f"{count_text(parameters)} parameters"] if parameters else []
    if shares.total:
        cost.append(shares.percent(group.operations))
    label = max((text_width(value_text(value), SMALL) for value in level.leaving), default=0.0) if labels else 0.0
    lines = (group.call, said, ", ".join(cost))
    return _face(group.title, "+", lines, len(level.entering), len(level.leaving), label)


def group_heading(group: Group, shares: Shares) -> tuple[str, str]:
    """The title of an unfolded group, and its share of the cost."""
    title = shortened(group.title) + (f", {group.call}" if group.call else "")
    return title, shares.percent(group.operations) if shares.total else ""


def heading_width(heading: tuple[str, str]) -> float:
    """The room that it takes, with the sign that it folds."""
    title, cost = heading
    return 2 * INDENT + 12 + text_width(title, 12.5) + (8 + text_width(cost, SMALL) if cost else 0)


def describe(group: Group, level: Level, shares: Shares) -> str:
    """All that is known of a group, for who asks."""
    lines = [" ".join(filter(None, (group.path, group.call))), f"{len(group.operations)} operations"]
    lines += [f"gives {value_text(value)}" for value in level.leaving]
    return "\n".join(lines + _parameters(group.operations) + shares.description(group.operations))


def describe_node(node: Node, shares: Shares) -> str:
    """All that is known of an operation, or of what is given."""
    types = ", ".join(dict.fromkeys(str(spec.dtype).removeprefix("torch.") for spec in node.specs))
    lines = [f"{node.symbol} = {operation_text(node)}", *([f"module {node.module}"] if node.module else [])]
    return "\n".join([*lines, f"{value_text(node)}, {types}", *_parameters([node]), *shares.description([node])])


def _parameters(nodes: Iterable[Node]) -> list[str]:
    count = sum(node.spec.elements for node in parameters_of(nodes))
    return [f"{count:,} parameters"] if count else []


def _face(
    title: str,
    mark: str,
    lines: tuple[str, ...],
    takes: int,
    gives: int,
    label: float,
    narrowest: float = _NARROWEST,
) -> Face:
    title, lines = shortened(title), tuple(filter(None, lines))
    texts = [text_width(title, TITLE) + 8 + text_width(mark, SMALL), *(text_width(line, SMALL) for line in lines)]
    # A shape is written to the right of where its line leaves, half of the box or less from the border.
    beside = (label + 12) * (gives + 1)
    width = max(narrowest, max(texts) + 2 * INDENT, beside, 18.0 * (takes + 1))
    return Face(
        title, mark, lines, round(width, 1), 32 + _LINE * len(lines), _spread(takes, width), _spread(gives, width)
    )


def _spread(count: int, width: float) -> tuple[float, ...]:
    """Places along an edge, from its centre."""
    return tuple(round(width * ((place + 1) / (count + 1) - 0.5), 1) for place in range(count))
