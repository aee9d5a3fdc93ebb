"""Every change of a tensor in place becomes a new value, so that a node is one value for ever.

torch's trace says ``add_`` where a tensor is changed. The tensor may be a view of another, which then changes too: its
new value is the old one with the view's elements scattered into it, and other views of it are taken anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

from shinso.graph._node import Context, Node, spec_of
from shinso.graph._views import SCATTERS, inverse_of_view
from shinso.graph._where_modules_are import MODULE
from shinso.graph._writes import changed_by, form_out_of_place

aten = torch.ops.aten
_DISCARDED = (
    torch._C._set_grad_enabled,
    torch.amp.autocast_mode._enter_autocast,
    torch.amp.autocast_mode._exit_autocast,
)


@dataclass(eq=False)
class Operation:
    """An operation of the graph to be, its arguments other operations or what torch's graph starts from."""

    target: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    value: Any
    module: str
    context: Context

    def as_node(self, number: int, nodes: Mapping[Any, Node]) -> Node:
        """The finished node, given those of its arguments."""

        def finished(leaf: Any) -> Any:
            return nodes[leaf] if isinstance(leaf, Operation | fx.Node) else leaf

        args, kwargs = pytree.tree_map(finished, (self.args, dict(self.kwargs)))
        name = getattr(self.target, "__name__", str(self.target)).split(".")[0]
        spec = spec_of(self.value)
        return Node(number, name, "operation", spec, self.target, args, kwargs, self.module, self.context)


@dataclass
class Computed:
    """All operations in order, the output, and which operations and sources the output needs."""

    operations: list[Operation]
    output: Any
    used: set[Any] = field(default_factory=set)


def out_of_place(graph: fx.Graph) -> Computed:
    """The operations of torch's graph without any in place; raises Untraceable for one that has no other form."""
    rewriter = _Rewriter()
    output: Any = None
    for node in graph.nodes:
        if node.op == "call_function":
            rewriter.add(node)
        elif node.op == "output":
            output = pytree.tree_map(rewriter.current, node.args[0])
        else:
            rewriter.start(node)
    return Computed(rewriter.operations, output, _reached(output))


class _Rewriter:
    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._values: dict[fx.Node, Any] = {}
        self._owners: dict[int, fx.Node] = {}  # of storages
        self._views: dict[fx.Node, fx.Node] = {}  # from a view to what it is a view of
        self._versions: dict[fx.Node, int] = {}  # of owners, and of views when they were taken
        self._context = Context()
        self._autocasts: list[tuple[Any, ...]] = []

    def start(self, node: fx.Node) -> None:
        self._values[node] = node
        self._own(node)

    def add(self, node: fx.Node) -> None:
        if node.target in _DISCARDED:
            self._switch(node)
        elif changed_by(node) is not None:
            self._change(node)
        else:
            self._values[node] = self._append(node.target, node.args, node.kwargs, node)
            self._own(node)

    def current(self, leaf: Any) -> Any:
        """The present value of torch's node: a view of what has changed since is taken again."""
        if not isinstance(leaf, fx.Node):
            return leaf
        if changed_by(leaf) is not None and leaf in self._views:
            return self.current(self._views[leaf])
        owner = self._owner(leaf)
        if leaf in self._views and self._versions[leaf] < self._versions[owner]:
            self._values[leaf] = self._append(leaf.target, leaf.args, leaf.kwargs, leaf)
            self._versions[leaf] = self._versions[owner]
        return self._values[leaf]

    def _append(self, target: Any, args: Any, kwargs: Any, like: fx.Node, value: Any = None) -> Operation:
        args, kwargs = pytree.tree_map(self.current, (args, dict(kwargs)))
        value = like.meta["val"] if value is None else value
        operation = Operation(target, args, kwargs, value, like.meta.get(MODULE, ""), self._context)
        self.operations.append(operation)
        return operation

    def _own(self, node: fx.Node) -> None:
        storage = _storage(node)
        owner = self._owners.setdefault(storage, node) if storage is not None else node
        self._versions[node] = self._versions.get(owner, 0)
        for parent in node.all_input_nodes if owner is not node else ():
            if _storage(parent) == storage or parent in self._views:
                self._views[node] = parent
                return

    def _owner(self, node: fx.Node) -> fx.Node:
        while node in self._views:
            node = self._views[node]
        return node

    def _change(self, node: fx.Node) -> None:
        changed = changed_by(node)
        assert changed is not None
        value = self._new_value(node)
        self._views[node] = changed
        self._set(changed, value, node)

    def _new_value(self, node: fx.Node) -> Operation:
        if node.target is not aten.copy_.default:
            kwargs = {name: value for name, value in node.kwargs.items() if name != "out"}
            return self._append(form_out_of_place(node), node.args, kwargs, node)
        # aten::copy has no derivative; what is copied is the source in the other tensor's shape and type.
        source, like = node.args[1], node.meta["val"]
        value = self._append(aten.expand.default, (source, list(like.shape)), {}, node)
        if isinstance(source, fx.Node) and source.meta["val"].dtype != like.dtype:
            value.value = value.value.to(source.meta["val"].dtype)
            value = Operation(aten.to.dtype, (value, like.dtype), {}, like, value.module, value.context)
            self.operations.append(value)
        return value

    def _set(self, node: fx.Node, value: Operation, cause: fx.Node) -> None:
        """Makes it the value of a node, and so of all that the node is a view of."""
        self._values[node] = value
        if node in self._views:
            parent = self._views[node]
            self._set(parent, self._scattered(node, parent, value, cause), cause)
            self._versions[node] = self._versions[self._owner(node)]
        else:
            self._versions[node] += 1

    def _scattered(self, view: fx.Node, parent: fx.Node, value: Operation, cause: fx.Node) -> Operation:
        """The parent's value with the view's elements replaced."""
        whole = self.current(parent)
        if changed_by(view) is not None:
            return value
        operation, args = inverse_of_view(view, parent, cause)
        made = Operation(operation, (value, *args), {}, parent.meta["val"], value.module, self._context)
        if operation in SCATTERS.values():
            made.args = (whole, value, *args)
        self.operations.append(made)
        return made

    def _switch(self, node: fx.Node) -> None:
        if node.target is _DISCARDED[0]:
            self._context = Context(bool(node.args[0]), self._context.autocast)
            return
        if node.target is _DISCARDED[1]:
            self._autocasts.append(node.args)
        else:
            self._autocasts.pop()
        self._context = Context(self._context.gradients, self._autocasts[-1] if self._autocasts else None)


def _storage(node: fx.Node) -> int | None:
    value = node.meta.get("val")
    try:
        return value.untyped_storage()._cdata if isinstance(value, torch.Tensor) else None
    except NotImplementedError:  # of a tensor inside torch.func.grad and its like
        return None


def _reached(output: Any) -> set[Any]:
    """What the output is computed from."""
    waiting = [leaf for leaf in pytree.tree_leaves(output) if isinstance(leaf, Operation | fx.Node)]
    found = set(waiting)
    while waiting:
        node = waiting.pop()
        leaves = pytree.tree_leaves((node.args, dict(node.kwargs))) if isinstance(node, Operation) else []
        for leaf in leaves:
            if isinstance(leaf, Operation | fx.Node) and leaf not in found:
                found.add(leaf)
                waiting.append(leaf)
    return found
