"""One forward and one backward of a graph, walked through without computing anything."""

import operator
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from shinso.graph._node import Node
from shinso.graph.costs._lifetimes import Ledger, Storage
from shinso.graph.costs._operation_cost import (
    Backward,
    Forward,
    Layout,
    Operand,
    Result,
    operation_cost,
    without_numbers,
)

if TYPE_CHECKING:
    from shinso.graph._graph import Graph


@dataclass(frozen=True)
class Held:
    """A tensor of the graph, as far as memory goes."""

    operand: Operand
    storage: Storage


@dataclass(frozen=True)
class Ran:
    """An operation after its forward: what it costs, where its storages are, and which of them autograd keeps."""

    forward: Forward
    backward: Backward
    storages: dict[int, Storage]
    saved: tuple[Storage, ...]


class StepCost:
    """One forward and one backward of the graph, with an adjoint as large as the output."""

    def __init__(self, graph: "Graph") -> None:
        self.graph = graph
        self.ledger = Ledger()
        self.ran: dict[Node, Ran] = {}
        self.pulled_back: set[Node] = set()
        """The operations that an adjoint came to."""
        self._values: dict[Node, Any] = {}
        self._adjoints: dict[Node, dict[int, Storage]] = {}
        self._known: dict[Any, tuple[Forward, Backward]] = {}
        with without_numbers(_device(graph)):
            self._start()
            self._go_forward()
        self._go_back()

    @property
    def gradient_bytes(self) -> int:
        """What the gradients of parameters and inputs take."""
        return sum(node.spec.nbytes for node in self._adjoints)

    def _start(self) -> None:
        for node, tensor in self.graph.bindings.items():
            operand = Operand(Layout.of(tensor), tensor.requires_grad, node.role == "input")
            self._values[node] = Held(operand, Storage(node.spec.nbytes, given=True))
            self._hold(self._values[node])

    def _go_forward(self) -> None:
        takers = {node: len(consumers) for node, consumers in self.graph.consumers.items()}
        for node in self.graph.outputs:
            takers[node] += 1  # the caller
        for node in self.graph.operations:
            self._compute(node)
            self._hold(self._values[node])
            for parent in node.parents:
                takers[parent] -= 1
                if not takers[parent] and parent.is_operation:
                    self._release(self._values[parent])

    def _compute(self, node: Node) -> None:
        if node.target is operator.getitem:
            self._values[node] = self._values[node.args[0]][node.args[1]]
            return
        held = [self._values[parent] for parent in node.parents]
        forward, backward = self._cost(node, [tensor.operand for tensor in held])
        self.ledger.during(forward.peak_bytes)
        storages = dict(enumerate(tensor.storage for tensor in held))
        from_input = any(tensor.operand.from_input for tensor in held)

        def result(leaf: Result) -> Held:
            return Held(
                Operand(leaf.layout, leaf.requires_grad, from_input), _at(leaf.storage, storages, forward.sizes)
            )

        self._values[node] = pytree.tree_map_only(Result, result, forward.results, is_leaf=_is_result)
        saved = tuple(dict.fromkeys(_at(number, storages, forward.sizes) for number in forward.saved))
        for storage in saved:
            self.ledger.hold(storage)
        self.ran[node] = Ran(forward, backward, storages, saved)

    def _cost(self, node: Node, operands: list[Operand]) -> tuple[Forward, Backward]:
        """Operations that differ in nothing that matters are run once."""
        wanted = self._wanted(node)
        position = {parent: at for at, parent in enumerate(node.parents)}
        leaves, structure = pytree.tree_flatten((node.args, dict(node.kwargs)))
        arguments = tuple(("operand", position[leaf]) if isinstance(leaf, Node) else _key(leaf) for leaf in leaves)
        key = (node.target, arguments, structure, node.context, tuple(operands), wanted)
        if key not in self._known:
            self._known[key] = operation_cost(node, dict(zip(node.parents, operands, strict=True)), wanted)
        return self._known[key]

    def _wanted(self, node: Node) -> frozenset[int]:
        """Which of the results adjoints can come for."""
        items = [taker.args[1] for taker in self.graph.consumers[node] if taker.target is operator.getitem]
        return frozenset(items or [0])

    def _go_back(self) -> None:
        for node in dict.fromkeys(self.graph.outputs):
            held = self._values[node]
            if held.operand.requires_grad:
                self._adjoints[node] = {0: Storage(node.spec.nbytes)}
                self.ledger.hold(self._adjoints[node][0])
                self.ledger.hold(self._adjoints[node][0])  # once more by the caller
        for node in reversed(self.graph.operations):
            adjoints = self._adjoints.pop(node, {})
            if node.target is operator.getitem:
                for storage in adjoints.values():
                    self._add_adjoint(node.args[0], node.args[1], storage)
            elif adjoints:
                self._pull_back(node, adjoints)
            for storage in (*adjoints.values(), *(self.ran[node].saved if node in self.ran else ())):
                self.ledger.release(storage)

    def _pull_back(self, node: Node, adjoints: dict[int, Storage]) -> None:
        ran = self.ran[node]
        self.pulled_back.add(node)
        self.ledger.during(ran.backward.peak_bytes)
        storages = ran.storages | {number: adjoints.get(at, Storage(0)) for at, number in ran.backward.adjoints.items()}
        for at, number in ran.backward.gradients.items():
            self._add_adjoint(node.parents[at], 0, _at(number, storages, ran.backward.sizes))

    def _add_adjoint(self, node: Node, at: int, storage: Storage) -> None:
        """Adds an adjoint to those that came before, in their memory if it is nobody else's."""
        if not node.is_operation and storage.nbytes < node.spec.nbytes:
            storage = Storage(node.spec.nbytes)  # a gradient that is kept is written out
        self.ledger.hold(storage)
        sums = self._adjoints.setdefault(node, {})
        if at not in sums:
            sums[at] = storage
            return
        if self.ledger.holders(sums[at]) > 1:
            total = Storage(node.specs[at].nbytes)
            self.ledger.hold(total)
            self.ledger.release(sums[at])
            sums[at] = total
        self.ledger.release(storage)

    def _hold(self, value: Any) -> None:
        for storage in _storages(value):
            self.ledger.hold(storage)

    def _release(self, value: Any) -> None:
        for storage in _storages(value):
            self.ledger.release(storage)


def _at(number: int, storages: dict[int, Storage], sizes: tuple[int, ...]) -> Storage:
    """The storage with this number in an operation, made if it is new."""
    if number not in storages:
        storages[number] = Storage(sizes[number])
    return storages[number]


def _key(leaf: Any) -> tuple[type, Any]:
    # 2 and 2.0 are equal, and give results of different types.
    return type(leaf), leaf if isinstance(leaf, Hashable) else id(leaf)


def _storages(value: Any) -> Iterator[Storage]:
    return (leaf.storage for leaf in pytree.tree_leaves(value) if isinstance(leaf, Held))


def _is_result(leaf: Any) -> bool:
    return isinstance(leaf, Result)


def _device(graph: "Graph") -> torch.device:
    return next((node.spec.device for node in graph.bindings), torch.device("cpu"))
