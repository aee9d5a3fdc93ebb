"""Which operations of torch write into a tensor, and what they are called where they do not."""

from collections.abc import Callable
from typing import Any

import torch
from torch import fx

from shinso.graph.untraceable import Untraceable

aten = torch.ops.aten


def changed_by(node: fx.Node) -> fx.Node | None:
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


def form_out_of_place(node: fx.Node) -> Callable[..., Any]:
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
