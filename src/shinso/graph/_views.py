"""Putting what was changed in a view back into the tensor that it is a view of."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import fx

from shinso.graph.untraceable import Untraceable

aten = torch.ops.aten
SCATTERS = {
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


def inverse_of_view(view: fx.Node, parent: fx.Node, cause: fx.Node) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The operation that puts a view's elements back, and its further arguments."""
    target = view.target
    if target in _SAME_SHAPE:
        return aten.alias.default, ()
    if target in SCATTERS:
        return SCATTERS[target], view.args[1:]
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


def _name(node: fx.Node) -> str:
    return "indexing" if node.target is operator.getitem else str(node.target).split(".")[1]
