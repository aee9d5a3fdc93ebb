"""Horizontal places that make lines straight (Brandes and Köpf, Fast and Simple Horizontal Coordinate Assignment,
2001).

Four times, from each corner, slots are joined into upright blocks and the blocks pushed together; the middle of the
four places of a slot is its own. Each of the four keeps neighbours apart, and so does their middle.
"""

from collections.abc import Sequence
from itertools import pairwise

from shinso.graph.drawing._ordering import neighbours, ordered
from shinso.graph.drawing._rows import Rows

SPACE = 26.0
"""Between neighbours in a row."""


def centres(levels: Sequence[Rows]) -> list[list[float]]:
    """For each level the horizontal centre of every slot, the leftmost border at 0."""
    return [_centres(rows) for rows in levels]


def _centres(rows: Rows) -> list[float]:
    order = ordered(rows)
    above, below = neighbours(rows)
    marked = _crossing_a_long_line(rows, order, above)
    corners = []
    for joined, upwards in ((above, False), (below, True)):
        for mirrored in (False, True):
            view = [row[::-1] if mirrored else row for row in (order[::-1] if upwards else order)]
            places = _pushed_together(rows, view, _blocks(rows, view, joined, marked))
            corners.append([-place for place in places] if mirrored else places)
    return _from_zero(rows, _middle(rows, corners))


def _crossing_a_long_line(rows: Rows, order: list[list[int]], above: list[list[int]]) -> set[tuple[int, int]]:
    """Hops that cross one between two waypoints, which has the right of way."""
    marked = set()
    for upper, row in pairwise(order):
        place = {slot: number for number, slot in enumerate(upper)}
        long = [
            (place[start], number)
            for number, slot in enumerate(row)
            for start in above[slot]
            if slot >= rows.real and start >= rows.real
        ]
        for number, slot in enumerate(row):
            for start in above[slot]:
                if any((place[start] - p) * (number - q) < 0 for p, q in long):
                    marked |= {(start, slot), (slot, start)}
    return marked


def _blocks(rows: Rows, view: list[list[int]], joined: list[list[int]], marked: set[tuple[int, int]]) -> dict[int, int]:
    """For each slot the first of its block: a slot joins the block of its middle neighbour if no line is crossed."""
    root = {slot: slot for slot in rows.slots}
    taken: set[int] = set()
    for previous, row in pairwise(view):
        place = {slot: number for number, slot in enumerate(previous)}
        furthest = -1
        for slot in row:
            others = sorted((other for other in joined[slot]), key=place.__getitem__)
            for other in others[(len(others) - 1) // 2 : len(others) // 2 + 1]:
                free = root[slot] == slot and other not in taken and (other, slot) not in marked
                if free and place[other] > furthest:
                    root[slot], furthest = root[other], place[other]
                    taken.add(other)
    return root


def _pushed_together(rows: Rows, view: list[list[int]], root: dict[int, int]) -> list[float]:
    """Each block as far left as the blocks before it allow, then as far right as those after it allow."""
    gaps: dict[tuple[int, int], float] = {}
    for row in view:
        for left, right in pairwise(row):
            pair = (root[left], root[right])
            gaps[pair] = max(gaps.get(pair, 0.0), (rows.width[left] + rows.width[right]) / 2 + SPACE)
    after: dict[int, list[int]] = {block: [] for block in root.values()}
    waiting = dict.fromkeys(after, 0)
    for left, right in gaps:
        after[left].append(right)
        waiting[right] += 1
    done = [block for block in after if not waiting[block]]
    place = dict.fromkeys(after, 0.0)
    for block in done:
        for other in after[block]:
            place[other] = max(place[other], place[block] + gaps[block, other])
            waiting[other] -= 1
            if not waiting[other]:
                done.append(other)
    for block in reversed(done):
        if after[block]:
            place[block] = max(place[block], min(place[other] - gaps[block, other] for other in after[block]))
    return [place[root[slot]] for slot in rows.slots]


def _middle(rows: Rows, corners: list[list[float]]) -> list[float]:
    """The mean of the two middle places, once the four pictures are moved to the borders of the narrowest."""
    borders = [_borders(rows, places) for places in corners]
    narrow_left, narrow_right = min(borders, key=lambda border: border[1] - border[0])
    moved = []
    for number, (places, (left, right)) in enumerate(zip(corners, borders, strict=True)):
        shift = narrow_right - right if number % 2 else narrow_left - left
        moved.append([place + shift for place in places])
    return [sum(sorted(four)[1:3]) / 2 for four in zip(*moved, strict=True)]


def _from_zero(rows: Rows, places: list[float]) -> list[float]:
    left, _ = _borders(rows, places)
    return [place - left for place in places]


def _borders(rows: Rows, places: list[float]) -> tuple[float, float]:
    lefts = [place - width / 2 for place, width in zip(places, rows.width, strict=True)]
    rights = [place + width / 2 for place, width in zip(places, rows.width, strict=True)]
    return min(lefts, default=0.0), max(rights, default=0.0)
