"""Slots in rows, each connection from one row to the next (the layers of Sugiyama, Tagawa and Toda, 1981)."""

from dataclasses import dataclass

from shinso.graph.drawing._level import Level

WAYPOINT = 18.0
"""Width kept free for a connection that passes between boxes."""


@dataclass(frozen=True)
class Hop:
    """A piece of a net, from a slot to one in the next row."""

    net: int
    start: int
    end: int


@dataclass(frozen=True)
class Rows:
    """What the two ways to find places start from; slots after the level's own are waypoints of long connections."""

    row: tuple[int, ...]
    width: tuple[float, ...]
    hops: tuple[Hop, ...]
    real: int
    """How many slots are no waypoints."""

    @property
    def slots(self) -> range:
        """All slots."""
        return range(len(self.row))

    @property
    def members(self) -> list[list[int]]:
        """The slots of each row, in the order of their numbers."""
        found: list[list[int]] = [[] for _ in range(max(self.row, default=-1) + 1)]
        for slot, row in enumerate(self.row):
            found[row].append(slot)
        return found


def in_rows(level: Level, widths: list[float]) -> Rows:
    """Every slot as far down as its longest way from the top; what has nothing above it as far down as it can be.

    ``widths`` are those of the slots. A net that passes several rows does so as one line, on which its ends hang.
    """
    row = _longest_ways(level)
    width, hops = list(widths), []
    for number, net in enumerate(level.nets):
        here, above = net.source, row[net.source]
        ends = sorted(net.targets, key=lambda slot: row[slot])
        for end in ends:
            while above < row[end] - 1:
                above += 1
                row.append(above)
                width.append(WAYPOINT)
                hops.append(Hop(number, here, len(row) - 1))
                here = len(row) - 1
            hops.append(Hop(number, here, end))
    return Rows(tuple(row), tuple(width), tuple(hops), level.slots)


def _longest_ways(level: Level) -> list[int]:
    first = 1 if level.entering else 0
    row = [0] * len(level.entering) + [first] * (level.slots - len(level.entering))
    fed = set(range(len(level.entering)))
    for net in sorted(level.nets, key=lambda net: net.source):
        for target in net.targets:
            row[target] = max(row[target], row[net.source] + 1)
            fed.add(target)
    inside = level.slots - len(level.leaving)
    row[inside:] = [max(row[:inside], default=0) + 1] * len(level.leaving)
    _float_down(level, row, fed)
    return row


def _float_down(level: Level, row: list[int], fed: set[int]) -> None:
    nearest: dict[int, int] = {}
    for net in level.nets:
        nearest[net.source] = min([nearest.get(net.source, 1 << 30), *(row[target] for target in net.targets)])
    for slot, below in nearest.items():
        if slot not in fed:
            row[slot] = below - 1
