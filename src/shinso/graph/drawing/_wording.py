"""What the box of an operation says."""

from collections.abc import Iterable
from math import prod
from typing import Any

import torch
from torch.utils import _pytree as pytree

from shinso.graph._node import Node, TensorSpec
from shinso.graph._notation import operation_text
from shinso.graph._quantities import count_text
from shinso.graph._tables import shape_text

_LONGEST = 30
_UNSAID = {
    "training", "train", "cudnn_enabled", "cudnn_enable", "momentum", "eps", "has_biases", "batch_first", "dtype",
    "device", "layout", "dim0", "dim1", "pin_memory", "memory_format", "copy", "non_blocking", "implicit", "reduction",
}  # fmt: skip
_NAMELESS = {"kernel_size", "output_size", "normalized_shape", "size", "shape", "dims", "sizes"}


def details(node: Node) -> str:
    """What matters of an operation's arguments: ``5×5, padding 2`` or ``400 → 120``."""
    written = operation_text(node)
    if not isinstance(node.target, torch._ops.OpOverload) or " " in written.split("(")[0]:
        return shortened(written.removeprefix(node.name))
    said = [_sizes(node), *(_said(name, value) for name, value in _literals(node) if name not in _UNSAID)]
    return shortened(", ".join(text for text in said if text))


def parameters_text(node: Node) -> str:
    """The parameters that an operation takes, each as the product of its sizes: ``16·6·5·5 + 16``."""
    shapes = [parent.spec.shape for parent in parameters_of([node])]
    text = " + ".join("·".join(map(str, shape)) or "1" for shape in shapes)
    return text if len(text) <= _LONGEST else f"{count_text(sum(map(prod, shapes)))} parameters"


def parameters_of(nodes: Iterable[Node]) -> list[Node]:
    """The parameters that operations take, each once."""
    found = dict.fromkeys(parent for node in nodes for parent in node.parents)
    return [node for node in found if node.role == "parameter"]


def value_text(node: Node) -> str:
    """The shape of its value; how many there are, if it gives several."""
    return shape_text(node.spec) if isinstance(node.spec, TensorSpec) else f"{len(node.specs)} tensors"


def shortened(text: str, longest: int = _LONGEST) -> str:
    """The text, its end left out if it is longer."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _sizes(node: Node) -> str:
    """The size of a convolution's kernel and of a linear map, which is that of the weight."""
    weight = node.args[1] if len(node.args) > 1 and isinstance(node.args[1], Node) else None
    if weight is not None and isinstance(weight.spec, TensorSpec):
        if "conv" in node.name and len(weight.spec.shape) > 2:
            return shape_text(weight.spec._replace(shape=weight.spec.shape[2:]))
        if node.name == "linear" and len(weight.spec.shape) == 2:
            return f"{weight.spec.shape[1]} → {weight.spec.shape[0]}"
    if node.name == "transpose":
        return f"{node.args[1]} ↔ {node.args[2]}".replace("-", "−")
    return ""


def _literals(node: Node) -> list[tuple[str, Any]]:
    """The names and values of arguments that are neither computed nor as they are by default."""
    assert isinstance(node.target, torch._ops.OpOverload)
    schema = node.target._schema.arguments
    given = dict(zip((argument.name for argument in schema), node.args, strict=False)) | dict(node.kwargs)
    defaults = {argument.name: argument.default_value for argument in schema if argument.has_default_value()}
    return [
        (name, value)
        for name, value in given.items()
        if not any(isinstance(leaf, Node) for leaf in pytree.tree_leaves(value))
        and not (value is None or value is False or value == [] or (name == "dropout" and value == 0))
        and not (name in defaults and _same(value, defaults[name]))
    ]


def _same(value: Any, default: Any) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    defaults = default if isinstance(default, list | tuple) else [default]
    return set(map(str, values)) == set(map(str, defaults))


def _said(name: str, value: Any) -> str:
    word = name.replace("_", " ")
    if value is True:
        return word
    if isinstance(value, list | tuple):
        even = len(set(map(str, value))) == 1 and len(value) > 1 and name not in _NAMELESS
        text = str(value[0]) if even else "×".join(map(str, value))
        text = ", ".join(map(str, value)) if name in ("dims", "dim") else text
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value).replace("-", "−")
    return text if name in _NAMELESS else f"{word} {text}"
