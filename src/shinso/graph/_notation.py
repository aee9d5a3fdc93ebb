"""How operations, tangents and adjoints are written in tables."""

import operator
from collections.abc import Collection, Sequence
from typing import Any

from torch.utils import _pytree as pytree

from shinso.graph._node import Node
from shinso.graph._partial_derivatives import partial_texts

_DOT, _BAR = "\N{COMBINING DOT ABOVE}", "\N{COMBINING MACRON}"
_INFIX = {"add": "+", "sub": "−", "mul": "·", "div": "/", "pow": "^", "matmul": "@", "mm": "@", "bmm": "@"}


def dotted(node: Node) -> str:
    """The tangent's symbol, v̇₃."""
    return node.symbol[0] + _DOT + node.symbol[1:]


def barred(node: Node) -> str:
    """The adjoint's symbol, v̄₃."""
    return node.symbol[0] + _BAR + node.symbol[1:]


def operation_text(node: Node) -> str:
    """``v₋₂ · v₋₁`` or ``tanh(v₂)``; of what is given its name."""
    if not node.is_operation:
        return f"{node.name} ({node.role})" if node.role != "input" else node.name
    if node.target is operator.getitem:
        return f"{node.args[0].symbol}[{node.args[1]}]"
    if node.name in _INFIX and len(node.args) >= 2 and not node.kwargs:
        return f"{_operand(node.args[0])} {_INFIX[node.name]} {_operand(node.args[1])}"
    words = [_operand(argument) for argument in node.args]
    words += [f"{name}={_operand(value)}" for name, value in node.kwargs.items() if value is not None]
    while words and words[-1] in ("None", "[]"):
        words.pop()
    return f"{node.name}({', '.join(words)})"


def tangent_text(node: Node, moving: Collection[Node]) -> str:
    """The sum of local derivative times tangent over the parents that move (lecture 003 figure 5)."""
    terms = [partial_texts(node, parent).forward(dotted(parent)) for parent in node.parents if parent in moving]
    return f"{dotted(node)} = " + " + ".join(terms)


def adjoint_text(node: Node, takers: Sequence[Node]) -> str:
    """The sum of adjoint times local derivative over the operations that take the value (figure 6)."""
    if not takers:
        return f"{barred(node)} = 1"
    return f"{barred(node)} = " + " + ".join(partial_texts(taker, node).backward(barred(taker)) for taker in takers)


def _operand(argument: Any) -> str:
    if isinstance(argument, Node):
        return argument.symbol
    if isinstance(argument, float):
        return f"{argument:g}"
    if isinstance(argument, list | tuple) and any(isinstance(leaf, Node) for leaf in pytree.tree_leaves(argument)):
        return "[" + ", ".join(map(_operand, argument)) + "]"
    return str(argument).removeprefix("torch.").replace(" ", "")
