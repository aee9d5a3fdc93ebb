"""The geometry of a group for a choice of what is folded in it. ``drawing.js`` does the same in the browser.

A plan has the places for everything folded. Where a part is unfolded, its row grows in height, and the horizontal axis
is stretched over the part's width: order and straightness stay, and nothing meets that did not meet before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shinso.graph.drawing._faces import Face
from shinso.graph.drawing._outline import Group
from shinso.graph.drawing._plan import End, Plan

MARGIN, HEADING, GAP, ENTRY_GAP, BORDER_GAP = 16.0, 26.0, 44.0, 50.0, 30.0


@dataclass(frozen=True)
class Size:
    """A box to its outside."""

    width: float
    height: float
    ins: Sequence[float]
    """Where what it takes arrives, from its centre."""
    outs: Sequence[float]


@dataclass(frozen=True)
class Arrangement:
    """Where all that is directly in a group is, from its upper left corner."""

    size: Size
    places: list[tuple[float, float]]
    """The upper left corners of the parts."""
    lines: list[tuple[float, float, float, float, float]]
    """Of each hop: from x, y straight down to y, then in a curve to x, y."""
    labels: list[tuple[float, float]]


def arrange_all(plans: dict[Group, Plan], folded: set[Group]) -> dict[Group, Arrangement]:
    """The arrangement of each group, with those in ``folded`` small in the group around them."""
    made: dict[Group, Arrangement] = {}
    for group, plan in reversed(plans.items()):
        sizes = [
            made[part].size if isinstance(part, Group) and part not in folded else _size(face)
            for part, face in zip(plan.placement.level.parts, plan.placement.faces, strict=True)
        ]
        made[group] = arrange(plan, sizes)
    return made


def arrange(plan: Plan, sizes: Sequence[Size]) -> Arrangement:
    """The arrangement of a group whose parts have these sizes."""
    level, row = plan.placement.level, plan.placement.rows.row
    first = len(level.entering)
    x, width = _columns(plan, sizes)
    boxes = {first + place: size for place, size in enumerate(sizes)}
    tops, bottoms = _row_borders(plan, boxes)

    def leaves(end: End) -> tuple[float, float]:
        box, top = boxes.get(end.slot), tops[row[end.slot]]
        return (x[end.slot] + box.outs[end.place], top + box.height) if box else (x[end.slot], top)

    def arrives(end: End) -> tuple[float, float]:
        box = boxes.get(end.slot)
        return x[end.slot] + (box.ins[end.place] if box else 0.0), tops[row[end.slot]]

    places = [(x[slot] - size.width / 2, tops[row[slot]]) for slot, size in boxes.items()]
    lines = [(*leaves(start), bottoms[row[start.slot]], *arrives(end)) for start, end in plan.hops]
    labels = [leaves(label.start) for label in plan.labels]
    height = bottoms[-1] + (0.0 if level.leaving else MARGIN) if bottoms else HEADING
    ins = [place - width / 2 for place in x[:first]]
    outs = [place - width / 2 for place in x[first + len(sizes) : level.slots]]
    return Arrangement(Size(width, height, ins, outs), places, lines, labels)


def _columns(plan: Plan, sizes: Sequence[Size]) -> tuple[list[float], float]:
    """The horizontal centre of each slot, and the width of the whole."""
    placement = plan.placement
    first = len(placement.level.entering)
    parts = []
    for centre, face, size in zip(placement.centre[first:], placement.faces, sizes, strict=False):
        parts.append((centre - face.width / 2, centre + face.width / 2, size.width - face.width))
    stretch = stretched(parts)
    x = [stretch(centre) for centre in placement.centre]
    borders = (centre + width / 2 for centre, width in zip(placement.centre, placement.rows.width, strict=True))
    content = stretch(max(borders, default=0.0))
    # A line that enters from above passes to the right of the heading.
    lead = max([MARGIN, *(plan.heading_width - entry for entry in x[:first])])
    return [place + lead for place in x], max(content + 2 * lead, plan.heading_width)


def _size(face: Face) -> Size:
    return Size(face.width, face.height, face.ins, face.outs)


def stretched(parts: Sequence[tuple[float, float, float]]) -> Callable[[float], float]:
    """The map of the axis that makes each interval from ``left`` to ``right`` longer by ``more`` or a little above.

    Nothing comes closer to anything; where intervals share places, the strongest stretch counts, not the sum.
    """
    grown = sorted({part for part in parts if part[2] > 0})
    cuts = sorted({border for left, right, _ in grown for border in (left, right)})
    pieces = []
    for left, right in pairwise(cuts):
        rates = [more / (end - start) for start, end, more in grown if start <= left and right <= end]
        pieces.append((left, right, max(rates, default=0.0)))
    return lambda x: x + sum(rate * (min(x, right) - left) for left, right, rate in pieces if x > left)


def _row_borders(plan: Plan, boxes: Mapping[int, Size]) -> tuple[list[float], list[float]]:
    """Where each row begins and ends."""
    tops: list[float] = []
    bottoms: list[float] = []
    level, members = plan.placement.level, plan.placement.rows.members
    for row, slots in enumerate(members):
        if row == 0:
            top = 0.0 if level.entering else HEADING + 8
        elif row == 1 and level.entering:
            top = bottoms[-1] + ENTRY_GAP
        else:
            top = bottoms[-1] + (BORDER_GAP if row == len(members) - 1 and level.leaving else GAP)
        tops.append(top)
        bottoms.append(top + max(boxes[slot].height if slot in boxes else 0.0 for slot in slots))
    return tops, bottoms
