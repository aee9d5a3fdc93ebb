"""Functions as SymPy expressions, which SymPy differentiates in closed form (lecture 003 section 1.2)."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shinso.graph._algebra import formulas
from shinso.graph._graph import Graph
from shinso.graph._node import Node

if TYPE_CHECKING:
    from sympy import Expr


def expression(function: Graph | Callable[..., Any]) -> "Expr":
    """What a function of numbers computes, as a SymPy expression in symbols with the names of its arguments.

    A function is called with real symbols, so it is written as ``shinso.graph.elementary`` says; of a traced graph the
    operations are looked up, its inputs and parameters are symbols, its buffers and constants numbers.

    Raises ValueError for a function that branches on a number, and for a graph with tensors of several entries or an
    operation that has no formula.

    >>> expression(lambda x: x * x + x)
    x**2 + x
    """
    return _of_graph(function) if isinstance(function, Graph) else _of_function(function)


def derivative(function: Graph | Callable[..., Any], name: str | None = None) -> "Expr":
    """The derivative in closed form, not simplified, in the argument of that name or else in the only one.

    Raises ValueError where ``expression`` does, and if the argument is not one of the function's.

    >>> derivative(lambda x: x**3)
    3*x**2
    """
    import sympy as sp

    names = _names(function)
    if name is None and len(names) == 1:
        name = names[0]
    if name not in names:
        raise ValueError(f"the derivative is in one of {', '.join(names)}; got {name!r}")
    result: Expr = sp.diff(expression(function), sp.Symbol(name, real=True))
    return result


def size(formula: "Expr") -> int:
    """The number of operations written out in an expression (SymPy's ``count_ops``).

    >>> size(expression(lambda x: x * x + x))
    2
    """
    import sympy as sp

    return int(sp.count_ops(formula))


def _of_function(function: Callable[..., Any]) -> "Expr":
    import sympy as sp

    name = getattr(function, "__name__", "the function")
    try:
        result = sp.sympify(function(*(sp.Symbol(argument, real=True) for argument in _names(function))))
    except TypeError as error:
        raise ValueError(
            f"{name} has no closed form that SymPy can follow ({error}): use the functions of shinso.graph.elementary, "
            f"and where() instead of if"
        ) from error
    if not isinstance(result, sp.Expr):
        raise ValueError(f"{name} must return one number; called with symbols it returned {result!r}")
    return result


def _names(function: Graph | Callable[..., Any]) -> list[str]:
    if isinstance(function, Graph):
        return [node.name for node in (*function.inputs, *function.parameters)]
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


def _of_graph(graph: Graph) -> "Expr":
    if len(graph.outputs) != 1:
        raise ValueError(f"{graph.name} returns {len(graph.outputs)} tensors; an expression needs one")
    expressions: dict[Node, Any] = {}
    for node in graph.nodes:
        _check_is_number(node)
        expressions[node] = _of_operation(node, expressions) if node.is_operation else _given(graph, node)
    result: Expr = expressions[graph.outputs[0]]
    return result


def _given(graph: Graph, node: Node) -> Any:
    import sympy as sp

    if node.role in ("input", "parameter"):
        return sp.Symbol(node.name, real=True)
    number = graph.bindings[node].item()
    # A whole number stays exact: x² is not x to the power of 2.0.
    return sp.Integer(int(number)) if float(number).is_integer() else sp.Float(number)


# Operations that leave a single number as it is.
_UNCHANGED = {"clone", "contiguous", "detach", "alias", "sum", "mean", "to", "_to_copy", "view", "reshape", "squeeze"}


def _of_operation(node: Node, expressions: dict[Node, Any]) -> Any:
    if node.name in _UNCHANGED:
        return expressions[node.parents[0]]
    if node.name not in formulas():
        raise ValueError(
            f"{node.symbol} is {node.name}, which has no formula here; there are {', '.join(sorted(formulas()))}"
        )
    operands = [expressions[arg] if isinstance(arg, Node) else _exact(arg) for arg in node.args]
    return formulas()[node.name](*operands, **node.kwargs)


def _exact(argument: Any) -> Any:
    return int(argument) if isinstance(argument, float) and argument.is_integer() else argument


def _check_is_number(node: Node) -> None:
    entries = [spec.elements for spec in node.specs]
    if entries != [1]:
        raise ValueError(
            f"{node.symbol} ({node.name}) has {sum(entries)} entries; an expression is of numbers: trace the function "
            f"at tensors of one entry"
        )
