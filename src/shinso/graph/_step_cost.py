"""One forward and one backward of a graph, walked through without computing anything."""

import operator
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from shinso.graph._lifetimes import Ledger, Storage
from shinso.graph._node import Node
from shinso.graph._operation_cost import Backward, Forward, Layout, Operand, Result, operation_cost, without_numbers

if TYPE_CHECKING:
    from shinso.graph._graph import Graph


@dataclass(frozen=True)
class Held:
    """A tensor of the graph, as far as memory goes."""

    layout: Layout
    requires_grad: bool
    from_input: bool
    storage: Storage

    @property
    def operand(self) -> Operand:
        """What an operation that takes it needs to know."""
        return Operand(self.layout, self.requires_grad, self.from_input)


@dataclass(frozen=True)
class Ran:
    """An operation after its forward: its costs, and where its storages are in the graph."""

    forward: Forward
    backward: Backward
    storages: dict[int, Storage]
    saved: tuple[Storage, ...]


@dataclass
class Step:
    """One forward and one backward: what each operation cost, and the memory all of them took."""

    graph: "Graph"
    ledger: Ledger = field(default_factory=Ledger)
    ran: dict[Node, Ran] = field(default_factory=dict)
    pulled_back: set[Node] = field(default_factory=set)
    """Operations that an adjoint came to."""
    values: dict[Node, Any] = field(default_factory=dict)
