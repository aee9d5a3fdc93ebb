"""Code that asks for the number in a tensor, found while tracing, with its line and what to write instead."""

import linecache
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jaxtyping
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

# Frames of these are not where the user's code asks.
_LIBRARIES = tuple(str(Path(file).parent) for file in (torch.__file__, jaxtyping.__file__, __file__))
_GENERATED = ("<string>", "<eval_with_key>")

_INSTEAD = {
    "__bool__": "a branch on a tensor's value: write torch.where(condition, a, b), or branch on shapes alone",
    "item": "a tensor's number in Python: keep it a tensor, x * y.sum() instead of x * y.sum().item()",
    "__float__": "a tensor's number in Python: keep it a tensor instead of float(…)",
    "__int__": "a tensor's number in Python: keep it a tensor, or pass the number as a Python argument",
    "__index__": "a tensor as an index or size in Python: use torch.gather or index_select, or pass a Python int",
    "numpy": "a tensor's numbers in NumPy: use the torch function of the same name",
    "__array__": "a tensor's numbers in NumPy: use the torch function of the same name",
    "nonzero": "a result whose shape depends on values: multiply by the mask, or torch.where(condition, a, b)",
    "masked_select": "a result whose shape depends on values: multiply by the mask, or torch.where(mask, x, 0)",
    "unique": "a result whose shape depends on values: count with torch.bincount(x, minlength=n) instead",
    "__getitem__": "a mask as an index gives a shape that depends on values: torch.where(mask, x, 0) instead",
}


class Untraceable(ValueError):
    """The code needs a number that only a run has; a graph holds for all numbers of a shape."""


class _NoNumbers(TorchFunctionMode):
    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        if name in _INSTEAD and (name != "__getitem__" or _has_mask(args[1])):
            raise Untraceable(f"{_place(traceback.extract_stack())} needs {_INSTEAD[name]}")
        return function(*args, **(kwargs or {}))


@contextmanager
def no_numbers() -> Iterator[None]:
    """While it is on, asking a tensor for its number raises Untraceable; other errors get the line they came from."""
    try:
        with _NoNumbers():
            yield
    except Untraceable:
        raise
    except Exception as error:
        place = _place(traceback.extract_tb(error.__traceback__))
        if type(error).__name__ in ("GuardOnDataDependentSymNode", "DataDependentOutputException"):
            raise Untraceable(f"{place} needs {_INSTEAD['item']}") from None
        if type(error).__name__ == "DynamicOutputShapeException":
            raise Untraceable(f"{place} needs {_INSTEAD['masked_select']}") from None
        error.add_note(f"while tracing {place}")
        raise


def _place(stack: traceback.StackSummary) -> str:
    """file:line and the code, of the innermost frame that is the user's."""
    frames = [frame for frame in stack if not frame.filename.startswith((*_LIBRARIES, *_GENERATED))]
    if not frames:
        return "the function"
    frame = frames[-1]
    line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return f"{frame.filename}:{frame.lineno}: `{line}`"


def _has_mask(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, Tensor) and part.dtype == torch.bool for part in parts)
