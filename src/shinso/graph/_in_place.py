"""Every change of a tensor in place becomes a new value, so that a node is one value for ever.

torch's trace says ``add_`` where a tensor is changed. The tensor may be a view of another, which then changes too: its
new value is the old one with the view's elements scattered into it, and other views of it are taken anew.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx
from torch.utils import _pytree as pytree

from shinso.graph._node import Context, Node, spec_of
from shinso.graph._where_modules_are import MODULE
from shinso.graph.untraceable import Untraceable

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
        elif _changed(node) is not None:
            self._change(node)
        else:
            self._values[node] = self._append(node.target, node.args, node.kwargs, node)
            self._own(node)

    def current(self, leaf: Any) -> Any:
        """The present value of torch's node: a view of what has changed since is taken again."""
        if not isinstance(leaf, fx.Node):
            return leaf
        if _changed(leaf) is not None and leaf in self._views:
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
        changed = _changed(node)
        assert changed is not None
        value = self._new_value(node)
        self._views[node] = changed
        self._set(changed, value, node)

    def _new_value(self, node: fx.Node) -> Operation:
        if node.target is not aten.copy_.default:
            kwargs = {name: value for name, value in node.kwargs.items() if name != "out"}
            return self._append(_other_form(node), node.args, kwargs, node)
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
        if _changed(view) is not None:
            return value
        operation, args = _inverse(view, parent, cause)
        made = Operation(operation, (value, *args), {}, parent.meta["val"], value.module, self._context)
        if operation in _SCATTERS.values():
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


_SCATTERS = {
    aten.select.int: aten.select_scatter.default,
    aten.slice.Tensor: aten.slice_scatter.default,
    aten.diagonal.default: aten.diagonal_scatter.default,
}
_SAME_SHAPE = {
    aten.alias.default, aten.detach.default, aten.contiguous.default, aten.to.dtype, aten.to.device,
    aten.to.dtype_layout, aten.dropout.default, aten.expand_as.default, aten.lift_fresh.default, aten.positive.default,
    aten.clone.default,
}  # fmt: skip
_SAME_ELEMENTS = {
    aten.view.default, aten.reshape.default, aten._unsafe_view.default, aten.flatten.using_ints, aten.unflatten.int,
    aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims, aten.unsqueeze.default, aten.view_as.default,
}  # fmt: skip


def _inverse(view: fx.Node, parent: fx.Node, cause: fx.Node) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The operation that puts a view's elements back, and its further arguments."""
    target = view.target
    if target in _SAME_SHAPE:
        return aten.alias.default, ()
    if target in _SCATTERS:
        return _SCATTERS[target], view.args[1:]
    if target in _SAME_ELEMENTS:
        return aten.reshape.default, (list(parent.meta["val"].shape),)
    if target in (aten.t.default, aten.transpose.int):
        return target, view.args[1:]
    if target is aten.permute.default:
        dims: Any = view.args[1]
        return target, (sorted(range(len(dims)), key=lambda axis: dims[axis] % len(dims)),)
    raise Untraceable(
        f"{_name(cause)} changes a part of a tensor, got by {_name(view)}, in place; that is followed through indexing,"
        f" view, transpose and permute alone: compute a new tensor instead"
    )


def _changed(node: fx.Node) -> fx.Node | None:
    """The tensor that an operation changes in place and returns; None for other operations."""
    if not isinstance(node.target, torch._ops.OpOverload) or len(node.target._schema.returns) != 1:
        return None
    written = [argument for argument in node.target._schema.arguments if _is_written(argument)]
    if len(written) != 1:  # batch_norm writes two, its running statistics, and returns neither
        return None
    changed = node.kwargs.get(written[0].name, node.args[0] if node.args else None)
    return changed if isinstance(changed, fx.Node) and node.target._schema.returns[0].alias_info is not None else None


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _other_form(node: fx.Node) -> Callable[..., Any]:
    """The operation that returns what this one writes: add for add_ and for add(…, out=…)."""
    name, overload = str(node.target).removeprefix("aten.").split(".")
    if name == "zero_":
        return aten.zeros_like.default
    packet = getattr(aten, name.removesuffix("_"), None)
    forms = [getattr(packet, other) for other in packet.overloads()] if packet else []
    if not name.endswith("_"):
        taken = [str(argument.type) for argument in _arguments(node.target) if not _is_written(argument)]
        forms = [form for form in forms if [str(argument.type) for argument in _arguments(form)] == taken]
    elif packet is None or overload not in packet.overloads():
        forms = []
    else:
        forms = [getattr(packet, overload)]
    if not forms:
        raise Untraceable(
            f"{name} changes a tensor in place and has no form that does not: compute a new tensor instead"
        )
    form: Callable[..., Any] = forms[0]
    return form


def _arguments(target: Any) -> Any:
    return target._schema.arguments


def _storage(node: fx.Node) -> int | None:
    value = node.meta.get("val")
    try:
        return value.untyped_storage()._cdata if isinstance(value, torch.Tensor) else None
    except NotImplementedError:  # of a tensor inside torch.func.grad and its like
        return None


def _name(node: fx.Node) -> str:
    return "indexing" if node.target is operator.getitem else str(node.target).split(".")[1]


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
