"""A graph and its values as text."""

from typing import TYPE_CHECKING, Any

from torch import Tensor

from shinso._text_columns import columns
from shinso.graph._node import Node, TensorSpec
from shinso.graph._notation import operation_text

if TYPE_CHECKING:
    from shinso.graph._graph import Graph


def graph_table(graph: "Graph") -> str:
    """Node, operation, shape, type and module, a row for each node."""
    header = ("value", "operation", "shape", "type", "module")
    rows = (
        (node.symbol, operation_text(node), shape_text(node.spec), _dtype_text(node), node.module)
        for node in graph.nodes
    )
    return columns(header, rows)


def shape_text(spec: Any) -> str:
    """2×3×32×32; scalar for a tensor without axes."""
    if isinstance(spec, TensorSpec):
        return "×".join(map(str, spec.shape)) or "scalar"
    return "(" + ", ".join(map(shape_text, spec)) + ")" if isinstance(spec, list | tuple) else "–"


def value_text(value: Any) -> str:
    """A scalar to three digits; of a larger tensor its shape and Euclidean norm."""
    if not isinstance(value, Tensor):
        return "(" + ", ".join(map(value_text, value)) + ")" if isinstance(value, list | tuple) else "–"
    if value.numel() == 1:
        return f"{value.item():#.3g}" if value.is_floating_point() else str(value.item())
    shape = "×".join(map(str, value.shape))
    return f"{shape}, ‖·‖ {value.double().norm().item():.3g}" if value.is_floating_point() else shape


def _dtype_text(node: Node) -> str:
    return ", ".join(dict.fromkeys(str(spec.dtype).removeprefix("torch.") for spec in node.specs))
