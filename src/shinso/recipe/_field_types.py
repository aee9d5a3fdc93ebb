"""Do the values of a dataclass have the types that its fields say? Python does not ask, and TOML can say anything."""

import dataclasses
import types
import typing
from typing import Any


def check_types(value: Any, where: str = "") -> None:
    """Raises ValueError naming the first field (of the dataclass or one inside it) whose value is of another type."""
    for name, kind in typing.get_type_hints(type(value)).items():
        found = getattr(value, name)
        if not _fits(found, kind):
            raise ValueError(f"{where}{name} must be {_described(kind)}; got {found!r}")
        if dataclasses.is_dataclass(found):
            check_types(found, f"{where}{name}.")


def _fits(value: Any, kind: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is tuple:
        wanted = arguments[:1] * len(value) if isinstance(value, tuple) and arguments[-1] is ... else arguments
        return isinstance(value, tuple) and len(value) == len(wanted) and all(map(_fits, value, wanted))
    if origin is dict:
        return isinstance(value, dict) and all(
            _fits(k, arguments[0]) and _fits(v, arguments[1]) for k, v in value.items()
        )
    if kind in (int, float):
        # True is an int to Python, but nobody means it; an int will do for a float.
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    return isinstance(value, kind)


def _described(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_described(one) for one in arguments)
    if origin is typing.Literal:
        return " or ".join(repr(one) for one in arguments)
    if origin is tuple:
        return "a list of numbers" if arguments[-1] is ... else f"a list of {len(arguments)} numbers"
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", types.NoneType: "left out"}
    return names.get(kind, "a table" if origin is dict else f"a {getattr(kind, '__name__', kind)}")
