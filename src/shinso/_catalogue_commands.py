"""What there is, as tables: shinso models, shinso parts."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import tyro


@dataclass(frozen=True, kw_only=True)
class ModelsFlags:
    """The networks that can be built by name: year, input, parameters, multiply-accumulates and paper."""

    text: Annotated[str, tyro.conf.Positional] = ""
    """Only those with this in their name or paper."""


@dataclass(frozen=True, kw_only=True)
class PartsFlags:
    """The parts that networks are built from: kind, where it is in Python, and source."""

    text: Annotated[str, tyro.conf.Positional] = ""
    """Only those with this in their name, kind or source."""


def models_command(arguments: list[str]) -> int:
    """Prints the networks; returns the exit status."""
    flags = tyro.cli(ModelsFlags, prog="shinso models", args=arguments)
    from shinso.models import CATALOGUE, figures

    rows = []
    for name, network in CATALOGUE.items():
        size = figures()[name]
        shape = "×".join(map(str, network.input_shape))
        rows.append((name, str(network.year), shape, f"{size.parameters:,}", f"{size.macs:,}", network.paper))
    header = ("name", "year", "input", "parameters", "multiply-accumulates", "paper")
    found = [row for row in rows if _holds(flags.text, row[0], row[-1])]
    _print_table(header, found, len(rows), "networks", flags.text)
    return 0


def parts_command(arguments: list[str]) -> int:
    """Prints the parts; returns the exit status."""
    flags = tyro.cli(PartsFlags, prog="shinso parts", args=arguments)
    from shinso.nn import PARTS

    rows = [(name, part.kind, _place(part.make), part.source) for name, part in PARTS.items()]
    found = [row for row in rows if _holds(flags.text, row[0], row[1], row[3])]
    _print_table(("name", "kind", "in Python", "source"), found, len(rows), "parts", flags.text)
    return 0


def _place(make: Callable[..., Any]) -> str:
    """The shortest path that it can be imported from."""
    made = make.func if isinstance(make, partial) else make
    names = made.__module__.split(".")
    packages = (".".join(names[:count]) for count in range(1, len(names) + 1))
    holder = next(package for package in packages if getattr(sys.modules[package], made.__name__, None) is made)
    return f"{holder}.{made.__name__}"


def _holds(text: str, *places: str) -> bool:
    return any(text.lower() in place.lower() for place in places)


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]], of: int, what: str, text: str) -> None:
    if not rows:
        raise ValueError(f"none of the {of} {what} has {text!r} in its {header[0]} or {header[-1]}")
    from shinso._text_columns import columns

    print(columns(header, rows))
