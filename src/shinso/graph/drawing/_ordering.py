"""The order of the slots in each row, by barycentres (Sugiyama, Tagawa and Toda, 1981)."""

from bisect import bisect_right, insort

from shinso.graph.drawing._rows import Rows

_SWEEPS = 12


def ordered(rows: Rows) -> list[list[int]]:
    """The slots of each row from left to right, of the orders that sweeps down and up go through the one with the
    fewest crossings.
    """
    above, below = neighbours(rows)
    order = rows.members
    best, fewest = [list(row) for row in order], crossings(order, below)
    place = _places(order)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        for row in order if down else reversed(order):
            _sort_by_barycentre(row, place, above if down else below)
        count = crossings(order, below)
        if count < fewest:
            best, fewest = [list(row) for row in order], count
    return best


def neighbours(rows: Rows) -> tuple[list[list[int]], list[list[int]]]:
    """For each slot those that it is joined to in the row above, and in the row below."""
    above: list[list[int]] = [[] for _ in rows.slots]
    below: list[list[int]] = [[] for _ in rows.slots]
    for hop in rows.hops:
        above[hop.end].append(hop.start)
        below[hop.start].append(hop.end)
    return above, below


def crossings(order: list[list[int]], below: list[list[int]]) -> int:
    """How many pairs of hops cross."""
    place, count = _places(order), 0
    for row in order:
        seen: list[int] = []
        for slot in row:
            ends = [place[end] for end in below[slot]]
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _sort_by_barycentre(row: list[int], place: dict[int, int], joined: list[list[int]]) -> None:
    # A slot that is joined to nothing keeps its place in proportion.
    wanted = {
        slot: sum(place[other] for other in joined[slot]) / len(joined[slot]) if joined[slot] else float(place[slot])
        for slot in row
    }
    row.sort(key=wanted.__getitem__)
    place.update((slot, number) for number, slot in enumerate(row))


def _places(order: list[list[int]]) -> dict[int, int]:
    return {slot: place for row in order for place, slot in enumerate(row)}
