"""The parts of a computational graph: values, and the operations they come from (lecture 003 section 1.1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch.utils import _pytree as pytree

Role = Literal["input", "parameter", "buffer", "constant", "operation"]
_SUBSCRIPTS = str.maketrans("-0123456789", "₋₀₁₂₃₄₅₆₇₈₉")


class TensorSpec(NamedTuple):
    """What is known of a tensor without its numbers."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return torch.Size(self.shape).numel()

    @property
    def nbytes(self) -> int:
        """How many bytes they take."""
        return self.elements * self.dtype.itemsize


@dataclass(frozen=True)
class Context:
    """What was switched on around an operation."""

    gradients: bool = True
    """False inside ``torch.no_grad()``: nothing flows back through the operation."""
    autocast: tuple[Any, ...] | None = None
    """The arguments of ``torch.autocast``."""


@dataclass(frozen=True, eq=False)
class Node:
    """A value of the graph and the operation that gives it.

    Inputs, parameters, buffers and constants have numbers up to 0, what is computed from them has numbers from 1
    (lecture 003, equations 1 to 10). ``args`` and ``kwargs`` hold nodes where the operation takes their values.
    """

    number: int
    name: str
    """Of an input or parameter its own, of an operation the operation's."""
    role: Role
    spec: Any
    """A TensorSpec; a list or tuple of them (or of None) for an operation with several results."""
    target: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    module: str = ""
    """Path of the module that it was computed in, such as ``stage1.0.conv1``; empty outside of all."""
    context: Context = Context()

    @property
    def symbol(self) -> str:
        """The lecture's name of the value: v₋₁, v₀, v₁, …"""
        return f"v{str(self.number).translate(_SUBSCRIPTS)}"

    @property
    def parents(self) -> tuple["Node", ...]:
        """The nodes whose values it is computed from, each once, in the order of the arguments."""
        leaves = pytree.tree_leaves((self.args, dict(self.kwargs)))
        return tuple(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, Node)))

    @property
    def is_operation(self) -> bool:
        """False for what the graph is given."""
        return self.role == "operation"

    @property
    def specs(self) -> tuple[TensorSpec, ...]:
        """The specs of its tensors, flat."""
        found = pytree.tree_leaves(self.spec, is_leaf=lambda leaf: isinstance(leaf, TensorSpec))
        return tuple(spec for spec in found if isinstance(spec, TensorSpec))

    def __repr__(self) -> str:
        return f"<{self.symbol} {self.name}>"


def with_values(node: Node, values: Callable[[Node], Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of an operation, each node in them replaced by its value."""

    def value(leaf: Any) -> Any:
        return values(leaf) if isinstance(leaf, Node) else leaf

    args, kwargs = pytree.tree_map(value, (node.args, dict(node.kwargs)))
    return args, kwargs


def spec_of(value: Any) -> Any:
    """The TensorSpec of a tensor, or of each tensor in a list or tuple."""

    def spec(leaf: Any) -> TensorSpec | None:
        is_tensor = isinstance(leaf, torch.Tensor)
        return TensorSpec(tuple(leaf.shape), leaf.dtype, leaf.device) if is_tensor else None

    return pytree.tree_map(spec, value)
