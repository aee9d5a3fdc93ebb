"""What lies inside one group, and how it hangs together: a small layered graph of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from shinso.graph._node import Node
from shinso.graph.drawing._outline import Box, Group, Part, groups


@dataclass(eq=False)
class Net:
    """A value on its way inside one group: from one slot to all that take it."""

    value: Node
    source: int
    targets: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Level:
    """The slots of a group: values that enter, parts, values that leave; in this order every net goes forward."""

    entering: list[Node]
    parts: list[Part]
    leaving: list[Node]
    nets: list[Net]

    def with_borders_sorted(self, place: Mapping[Node, float]) -> "Level":
        """The same, its values that enter and leave in the order of their places outside."""
        entering = sorted(self.entering, key=lambda value: place.get(value, 0.0))
        leaving = sorted(self.leaving, key=lambda value: place.get(value, 0.0))
        first = len(entering) + len(self.parts)
        moved = {old: entering.index(value) for old, value in enumerate(self.entering)}
        moved |= {first + old: first + leaving.index(value) for old, value in enumerate(self.leaving)}
        nets = [
            Net(net.value, moved.get(net.source, net.source), sorted(moved.get(end, end) for end in net.targets))
            for net in self.nets
        ]
        return Level(entering, self.parts, leaving, nets)

    def part(self, slot: int) -> Part | None:
        """The part in a slot; None for a border or a waypoint."""
        place = slot - len(self.entering)
        return self.parts[place] if 0 <= place < len(self.parts) else None

    @property
    def slots(self) -> int:
        """How many there are."""
        return len(self.entering) + len(self.parts) + len(self.leaving)


@dataclass(eq=False)
class _Passage:
    """A value in one group: what it comes from and what takes it there; None is the group's border."""

    value: Node
    source: Part | None
    takers: list[Part | None] = field(default_factory=list)


def levels(whole: Group) -> dict[Group, Level]:
    """The level of each group.

    A value that crosses a group's border does so at one place, however many take it behind.
    """
    passages = _passages(whole)
    return {group: _level(group, passages.get(group, {}).values()) for group in groups(whole)}


def _level(group: Group, passages: Iterable[_Passage]) -> Level:
    found = sorted(passages, key=lambda passage: passage.value.number)
    entering = [passage.value for passage in found if passage.source is None]
    leaving = [passage.value for passage in found if None in passage.takers]
    slots = {part: slot for slot, part in enumerate(group.parts, len(entering))}
    first_leaving = len(entering) + len(group.parts)
    nets = []
    for passage in found:
        value = passage.value
        source = entering.index(value) if passage.source is None else slots[passage.source]
        ends = [first_leaving + leaving.index(value) if part is None else slots[part] for part in passage.takers]
        nets.append(Net(value, source, sorted(ends)))
    return Level(entering, group.parts, leaving, nets)


def _passages(whole: Group) -> dict[Part, dict[Node, _Passage]]:
    ways = dict(_ways(whole, ()))
    givers = {box.gives: (*way, box) for box, way in ways.items() if box.gives is not None}
    found: dict[Part, dict[Node, _Passage]] = {}
    for box, way in ways.items():
        for value in box.takes:
            for group, source, taker in _crossed(givers[value], (*way, box)) if value in givers else ():
                passage = found.setdefault(group, {}).setdefault(value, _Passage(value, source))
                if taker not in passage.takers:
                    passage.takers.append(taker)
    return found


def _ways(group: Group, outside: tuple[Part, ...]) -> Iterator[tuple[Box, tuple[Part, ...]]]:
    """Each box with the groups around it, outermost first."""
    way = (*outside, group)
    for part in group.parts:
        if isinstance(part, Group):
            yield from _ways(part, way)
        else:
            yield part, way


def _crossed(giver: tuple[Part, ...], taker: tuple[Part, ...]) -> Iterator[tuple[Part, Part | None, Part | None]]:
    """The groups that a value goes through from box to box, and from what to what in each."""
    shared = next(depth for depth, (one, other) in enumerate(zip(giver, taker, strict=False)) if one is not other)
    for outer, inner in pairwise(giver[shared:]):
        yield outer, inner, None
    yield giver[shared - 1], giver[shared], taker[shared]
    for outer, inner in pairwise(taker[shared:]):
        yield outer, None, inner
