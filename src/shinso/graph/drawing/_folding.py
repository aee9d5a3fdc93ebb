"""Which groups are folded at first."""

from shinso.graph.drawing._outline import Group, Part, groups

_LEGIBLE = 60
"""Boxes in one picture that can still be taken in."""


def folded_at_first(whole: Group, depth: int | None) -> set[Group]:
    """The groups deeper than ``depth``; by default the deepest at which no more than some 60 boxes are shown.

    Raises ValueError for a depth under 0.
    """
    if depth is not None and depth < 0:
        raise ValueError(f"depth counts levels of modules that are shown unfolded, 0 or more; got {depth}")
    every = list(groups(whole))
    if depth is None:
        deepest = max(group.depth for group in every)
        depth = next((d for d in range(deepest, 0, -1) if _shown(whole, d) <= _LEGIBLE), 0)
    return {group for group in every if group.depth > depth}


def _shown(part: Part, depth: int) -> int:
    """How many boxes are seen of it."""
    if isinstance(part, Group) and part.depth <= depth:
        return sum(_shown(inner, depth) for inner in part.parts)
    return 1
