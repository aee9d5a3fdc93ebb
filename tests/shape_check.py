"""The check of signatures that the tests switch on."""

import typing
from collections.abc import Callable
from typing import Any, TypeVar

from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray

F = TypeVar("F", bound=Callable[..., Any])

# An int will do for a float, as for every type checker (PEP 484).
_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function: F) -> F:
    """The function, its annotations checked at each call if they name shapes and can all be checked at run time."""
    hints = getattr(function, "__annotations__", {}).values()
    return _beartype(function) if any(map(_is_shape, hints)) and all(map(_can_be_checked, hints)) else function


def _is_shape(hint: Any) -> bool:
    return (isinstance(hint, type) and issubclass(hint, AbstractArray)) or any(map(_is_shape, typing.get_args(hint)))


def _can_be_checked(hint: Any) -> bool:
    # beartype knows Self only when it is handed the whole class, which jaxtyping does not do.
    if hint is typing.Self or isinstance(hint, str):
        return False
    if getattr(hint, "_is_protocol", False) and not getattr(hint, "_is_runtime_protocol", False):
        return False
    return all(map(_can_be_checked, typing.get_args(hint)))
