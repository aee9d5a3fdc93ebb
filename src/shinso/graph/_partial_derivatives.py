"""The local derivative of an operation as text: by SymPy where it works entry by entry, from a table elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from shinso.graph._algebra import formulas
from shinso.graph._node import Node


@dataclass(frozen=True)
class PartialTexts:
    """How a tangent goes forward through an operation and an adjoint back, from their symbols."""

    forward: Callable[[str], str]
    backward: Callable[[str], str]


# Of the operation's arguments {0}, {1}, …; {t} is the tangent or the adjoint.
_TABLE = {
    "linear": (("{t}·{1}ᵀ", "{t}·{1}"), ("{0}·{t}ᵀ", "{t}ᵀ·{0}"), ("{t}", "Σ {t}")),
    "matmul": (("{t}·{1}", "{t}·{1}ᵀ"), ("{0}·{t}", "{0}ᵀ·{t}")),
    "addmm": (("{t}", "Σ {t}"), ("{t}·{2}", "{t}·{2}ᵀ"), ("{1}·{t}", "{1}ᵀ·{t}")),
    "conv": (("{t} ∗ {1}", "{t} ∗ᵀ {1}"), ("{0} ∗ {t}", "{0} ⋆ {t}"), ("{t}", "Σ {t}")),
    "sum": (("Σ {t}", "{t}·1"),),
    "mean": (("mean {t}", "{t}·1/n"),),
    "cross_entropy_loss": (("(softmax({0}) − p)·{t}/n", "{t}·(softmax({0}) − p)/n"),),
    "reshape": (("reshape {t}", "reshape {t}"),),
    "transpose": (("{t}ᵀ", "{t}ᵀ"),),
    "dropout": (("mask·{t}", "mask·{t}"),),
    "binary_cross_entropy_with_logits": (("(sigmoid({0}) − {1})·{t}/n", "{t}·(sigmoid({0}) − {1})/n"),),
    "log_softmax": (("{t} − Σ q·{t}", "{t} − q·Σ {t}"),),
    "softmax": (("q·({t} − q·{t})", "q·({t} − q·{t})"),),
    "same": (("{t}", "{t}"),),
}
_SAME_RULE = {
    **dict.fromkeys(("mm", "bmm", "mv", "dot"), "matmul"),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), "conv"),
    **dict.fromkeys(("view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as", "_unsafe_view"), "reshape"),
    "t": "transpose",
    **dict.fromkeys(("clone", "contiguous", "alias", "to", "_to_copy"), "same"),
}


def partial_texts(node: Node, parent: Node) -> PartialTexts:
    """How the derivative of an operation in one of its parents is written."""
    if node.name in formulas():
        text = _by_algebra(node, parent)
        if text is not None:
            summed = node.specs[0].shape != parent.specs[0].shape
            return PartialTexts(_times(text), _times(text, "Σ " if summed else ""))
    rules = _TABLE.get(_SAME_RULE.get(node.name, node.name), ())
    positions = [position for position, argument in enumerate(node.args) if argument is parent]
    if len(positions) == 1 and positions[0] < len(rules):
        forward, backward = rules[positions[0]]
        words = [argument.symbol if isinstance(argument, Node) else str(argument) for argument in node.args]
        return PartialTexts(lambda t: forward.format(*words, t=t), lambda t: backward.format(*words, t=t))
    slope = f"∂{node.symbol}/∂{parent.symbol}"
    return PartialTexts(lambda t: f"{slope}·{t}", lambda t: f"{t}·{slope}")


def _times(slope: str, prefix: str = "") -> Callable[[str], str]:
    if slope == "1":
        return lambda t: f"{prefix}{t}"
    if slope == "-1":
        return lambda t: f"−{prefix}{t}"
    return lambda t: f"{prefix}{t}·{slope}"


@cache
def _by_algebra(node: Node, parent: Node) -> str | None:
    import sympy as sp

    symbols = {operand: sp.Symbol(operand.symbol, real=True) for operand in node.parents}
    try:
        args: list[Any] = [
            symbols.get(argument, argument) if isinstance(argument, Node) else argument for argument in node.args
        ]
        formula = formulas()[node.name](*args, **node.kwargs)
        slope = sp.diff(formula, symbols[parent])
    except (TypeError, ValueError, AttributeError):  # not numbers: a rounding mode, say
        return None
    text = _written(sp.sstr(slope))
    is_sum = isinstance(slope, sp.Add)
    return f"({text})" if is_sum else text


def _written(text: str) -> str:
    for plain, better in (("**2", "²"), ("**3", "³"), ("**", "^"), ("*", "·"), (" - ", " − "), ("Heaviside", "step")):
        text = text.replace(plain, better)
    return text.replace("1.0·", "")
