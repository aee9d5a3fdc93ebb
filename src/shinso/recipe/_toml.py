"""Recipes as tables of TOML and back; what has several kinds is told apart by its ``name``."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from shinso.recipe._optimizers import OPTIMIZERS
from shinso.recipe._schedules import SCHEDULES

T = TypeVar("T")
_NAMED: dict[str, Mapping[str, type]] = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}


def as_table(value: Any) -> Any:
    """A dataclass as TOML knows it: tables and plain values, without fields that are None."""
    if not dataclasses.is_dataclass(value):
        return list(value) if isinstance(value, tuple) else value
    table = {f.name: as_table(v) for f in dataclasses.fields(value) if (v := getattr(value, f.name)) is not None}
    for names in (OPTIMIZERS, SCHEDULES):
        for name, kind in names.items():
            if type(value) is kind:
                return {"name": name} | table
    return table


def fields_from(kind: type, table: dict[str, Any], where: str = "") -> dict[str, Any]:
    """The arguments for a dataclass that a table gives; raises ValueError for a field that it does not have."""
    known = {f.name: f for f in dataclasses.fields(kind)}
    for key in table:
        if key not in known:
            raise ValueError(f"the recipe has no field {where}{key}; there are: {', '.join(known)}")
    return {key: _value(key, known[key].type, value, where) for key, value in table.items()}


def _value(key: str, kind: Any, value: Any, where: str) -> Any:
    if isinstance(value, dict) and key in _NAMED:
        return _named(key, _NAMED[key], value)
    if isinstance(value, dict) and dataclasses.is_dataclass(kind):
        return _build(kind, value, f"{where}{key}.")  # type: ignore[arg-type]
    return tuple(value) if isinstance(value, list) else value


def _named(key: str, kinds: Mapping[str, type], table: dict[str, Any]) -> Any:
    name = str(table.get("name"))
    if name not in kinds:
        raise ValueError(f"{key}.name must be one of {', '.join(kinds)}; got {name!r}")
    return _build(kinds[name], {k: v for k, v in table.items() if k != "name"}, f"{key}.")


def _build(kind: type[T], table: dict[str, Any], where: str) -> T:
    return kind(**fields_from(kind, table, where))
