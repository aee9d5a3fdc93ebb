"""The size and cost of every network in the catalogue, counted once and kept, since counting all takes long."""

import csv
from functools import cache
from importlib import resources
from typing import NamedTuple


class Figures(NamedTuple):
    """Of a network with its default options, at its published input size."""

    parameters: int
    macs: int
    """Multiply-accumulates forward for one example: convolutions, linear layers and matrix products."""


@cache
def figures() -> dict[str, Figures]:
    """The figures of each network by name. A test counts them again."""
    text = resources.files("shinso.models").joinpath("figures.csv").read_text(encoding="utf-8")
    return {row["name"]: Figures(int(row["parameters"]), int(row["macs"])) for row in csv.DictReader(text.splitlines())}
