"""Tensors in nested tuples, lists and mappings, as models take and return them."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and mappings, in their order."""
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return [tensor for item in items for tensor in tensors_in(item)]


def with_tensors(value: Any, replace: Callable[[Tensor], Any]) -> Any:
    """The same nested tuples, lists and mappings, which become dictionaries, with other tensors."""
    if isinstance(value, Tensor):
        return replace(value)
    if isinstance(value, Mapping):
        return {key: with_tensors(item, replace) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_make") and not isinstance(value, PackedSequence):
        return value._make(with_tensors(item, replace) for item in value)
    return type(value)(with_tensors(item, replace) for item in value) if type(value) in (tuple, list) else value
