"""Cost as colour: each box is the darker, the larger its share of all multiply-accumulates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from shinso.graph._node import Node
from shinso.graph._quantities import count_text

BOUNDS = (0.0, 0.01, 0.03, 0.1, 0.3)
"""Shares above which the next darker colour begins; steps of about three, as costs differ by factors."""


@dataclass(frozen=True)
class Shares:
    """What each operation costs, in multiply-accumulates of the forward pass; empty if it is not known."""

    macs: Mapping[Node, int]

    @cached_property
    def total(self) -> int:
        """Those of all operations."""
        return sum(self.macs.values())

    def of(self, nodes: Iterable[Node]) -> int:
        """Those of some operations."""
        return sum(self.macs.get(node, 0) for node in nodes)

    def shade(self, nodes: Iterable[Node]) -> int:
        """The colour, from 0 (costs nothing, or nothing is known) to 5."""
        share = self.of(nodes) / self.total if self.total else 0.0
        return sum(share > bound for bound in BOUNDS)

    def percent(self, nodes: Iterable[Node]) -> str:
        """The share of some operations; empty if they cost nothing."""
        share = 100 * self.of(nodes) / self.total if self.total else 0.0
        if not share:
            return ""
        return f"{share:.0f} %" if share >= 0.95 else f"{share:.1f} %" if share >= 0.05 else "< 0.1 %"

    def description(self, nodes: Iterable[Node]) -> list[str]:
        """A line for what they cost, if that is known."""
        nodes = list(nodes)
        count = self.of(nodes)
        return [f"{count_text(count)} multiply-accumulates, {self.percent(nodes)} of all"] if count else []
