"""The rows of each group, and where in its row everything is."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from shinso.graph._node import Node
from shinso.graph.drawing import _alignment, _graphviz
from shinso.graph.drawing._colour import Shares
from shinso.graph.drawing._faces import Face, face_of_box, face_of_group
from shinso.graph.drawing._level import Level, levels
from shinso.graph.drawing._outline import Box, Group
from shinso.graph.drawing._rows import Rows, in_rows

_PORT = 12.0


@dataclass(frozen=True, eq=False)
class Placement:
    """The inside of a group when all in it is folded."""

    level: Level
    faces: list[Face]
    """Of each part."""
    rows: Rows
    centre: list[float]
    """Of each slot, from the leftmost border."""


def placements(whole: Group, shares: Shares, labels: bool) -> dict[Group, Placement]:
    """The placement of each group; ``labels`` says whether shapes need room beside the lines.

    Outer groups come first, since they say in which order values reach the inner ones.
    """
    inside = levels(whole)
    made: dict[Group, Placement] = {}
    generation = [whole]
    while generation:
        faces = [_faces(inside[group], inside, shares, labels) for group in generation]
        rows = [
            in_rows(inside[group], _widths(inside[group], own)) for group, own in zip(generation, faces, strict=True)
        ]
        for group, own, row, centre in zip(generation, faces, rows, _centres(rows), strict=True):
            made[group] = Placement(inside[group], own, row, centre)
        inner = [(part, parent) for parent in generation for part in parent.parts if isinstance(part, Group)]
        for part, parent in inner:
            inside[part] = inside[part].with_borders_sorted(_outside(made[parent], part))
        generation = [part for part, _ in inner]
    return made


def _centres(rows: list[Rows]) -> list[list[float]]:
    """By Graphviz if it is there and does its work, otherwise by ourselves; equal groups once."""
    different = list(dict.fromkeys(rows))
    try:
        found = _graphviz.centres(different) if _graphviz.is_installed() else _alignment.centres(different)
    except (subprocess.SubprocessError, OSError, ValueError):
        found = _alignment.centres(different)
    # As many digits as are written into the file, so that the script starts from the same.
    places = {row: [round(x, 2) for x in centres] for row, centres in zip(different, found, strict=True)}
    return [places[row] for row in rows]


def _faces(level: Level, inside: Mapping[Group, Level], shares: Shares, labels: bool) -> list[Face]:
    taken = [0] * level.slots
    for net in level.nets:
        for target in net.targets:
            taken[target] += 1
    first = len(level.entering)
    return [
        face_of_box(part, taken[first + place], labels)
        if isinstance(part, Box)
        else face_of_group(part, inside[part], shares, labels)
        for place, part in enumerate(level.parts)
    ]


def _widths(level: Level, faces: list[Face]) -> list[float]:
    return [_PORT] * len(level.entering) + [face.width for face in faces] + [_PORT] * len(level.leaving)


def _outside(placement: Placement, group: Group) -> dict[Node, float]:
    """For each value that crosses the group's border, about where it is on the other side."""
    level, centre = placement.level, placement.centre
    slot = len(level.entering) + level.parts.index(group)
    found: dict[Node, float] = {}
    for hop in placement.rows.hops:
        if slot in (hop.start, hop.end):
            found[level.nets[hop.net].value] = centre[hop.start if hop.end == slot else hop.end]
    return found
