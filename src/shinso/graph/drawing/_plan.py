"""Everything about a group that does not change when it or others are folded: places, ends of lines, labels."""

from collections.abc import Mapping
from dataclasses import dataclass

from shinso.graph._graph import Graph
from shinso.graph.drawing._colour import Shares
from shinso.graph.drawing._faces import group_heading, heading_width
from shinso.graph.drawing._outline import Group, is_scalar_function
from shinso.graph.drawing._placement import Placement, placements
from shinso.graph.drawing._rows import Hop


@dataclass(frozen=True)
class End:
    """An end of a hop: its slot, and which of the places on the edge of the slot's box."""

    slot: int
    place: int = 0


@dataclass(frozen=True)
class Label:
    """The shape of a value, beside where it leaves a part."""

    net: int
    start: End
    on_the_left: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """The inside of a group, ready for any choice of what is folded."""

    placement: Placement
    hops: list[tuple[End, End]]
    labels: list[Label]
    heading: tuple[str, str]
    """What stands over the group, and its share of the cost."""
    heading_width: float


def plans(graph: Graph, whole: Group, shares: Shares) -> dict[Group, Plan]:
    """The plan of each group, outer groups first."""
    labels = not is_scalar_function(graph)
    placed = placements(whole, shares, labels)
    made = {}
    for group, placement in placed.items():
        hops = _hops(placement, placed)
        heading = group_heading(group, shares)
        shown = _labels(placement, hops) if labels else []
        made[group] = Plan(placement, hops, shown, heading, round(heading_width(heading), 2))
    return made


def _hops(placement: Placement, placed: Mapping[Group, Placement]) -> list[tuple[End, End]]:
    """The hops with the place on a box where each begins and ends: a group's as inside, a box's from left to right."""
    level, hops = placement.level, placement.rows.hops
    into: dict[int, list[Hop]] = {}
    for hop in sorted(hops, key=lambda hop: placement.centre[hop.start]):
        into.setdefault(hop.end, []).append(hop)
    found = []
    for hop in hops:
        value, giver, taker = level.nets[hop.net].value, level.part(hop.start), level.part(hop.end)
        start = placed[giver].level.leaving.index(value) if isinstance(giver, Group) else 0
        end = placed[taker].level.entering.index(value) if isinstance(taker, Group) else into[hop.end].index(hop)
        found.append((End(hop.start, start), End(hop.end, end)))
    return found


def _labels(placement: Placement, hops: list[tuple[End, End]]) -> list[Label]:
    """A label for each value of a part; what only leaves the group has its shape outside."""
    level, centre = placement.level, placement.centre
    starts: dict[int, list[tuple[End, End]]] = {}
    for hop, ends in zip(placement.rows.hops, hops, strict=True):
        if hop.start == level.nets[hop.net].source:
            starts.setdefault(hop.net, []).append(ends)
    found = []
    for number, net in enumerate(level.nets):
        if level.part(net.source) and any(level.part(target) for target in net.targets):
            goes_right = all(centre[end.slot] > centre[net.source] + 8 for _, end in starts[number])
            found.append(Label(number, starts[number][0][0], goes_right))
    return found
