"""What operations on numbers mean, in SymPy: derivatives are then its business."""

from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def formulas() -> dict[str, Callable[..., Any]]:
    """For the name of an operation that works entry by entry, its formula."""
    import sympy as sp

    def log_of(base: int) -> Callable[[Any], Any]:
        return lambda x: sp.log(x) / sp.log(base)

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + sp.exp(-x))

    def gelu(x: Any, approximate: str = "none") -> Any:
        if approximate == "tanh":
            return x / 2 * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational(44715, 1000000) * x**3)))
        return x / 2 * (1 + sp.erf(x / sp.sqrt(2)))

    return {
        "add": lambda a, b, alpha=1: a + alpha * b,
        "sub": lambda a, b, alpha=1: a - alpha * b,
        "rsub": lambda a, b, alpha=1: b - alpha * a,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b,
        "pow": lambda a, b: a**b,
        "neg": lambda a: -a,
        "reciprocal": lambda a: 1 / a,
        "square": lambda a: a**2,
        "sqrt": sp.sqrt,
        "rsqrt": lambda a: 1 / sp.sqrt(a),
        "exp": sp.exp,
        "expm1": lambda a: sp.exp(a) - 1,
        "log": sp.log,
        "log1p": lambda a: sp.log(1 + a),
        "log2": log_of(2),
        "log10": log_of(10),
        "sin": sp.sin,
        "cos": sp.cos,
        "tan": sp.tan,
        "asin": sp.asin,
        "acos": sp.acos,
        "atan": sp.atan,
        "sinh": sp.sinh,
        "cosh": sp.cosh,
        "tanh": sp.tanh,
        "erf": sp.erf,
        "sigmoid": sigmoid,
        "silu": lambda a: a * sigmoid(a),
        "softplus": lambda a, beta=1, threshold=20: sp.log(1 + sp.exp(beta * a)) / beta,
        "log_sigmoid": lambda a: sp.log(sigmoid(a)),
        "gelu": gelu,
        "relu": lambda a: sp.Max(0, a),
        "abs": sp.Abs,
        "maximum": sp.Max,
        "minimum": sp.Min,
        "binary_cross_entropy": lambda p, y, weight=None, reduction=1: -y * sp.log(p) - (1 - y) * sp.log(1 - p),
        "mse_loss": lambda a, b, reduction=1: (a - b) ** 2,
    }
