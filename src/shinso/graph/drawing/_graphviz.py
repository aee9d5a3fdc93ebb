"""Horizontal places from the ``dot`` program of Graphviz (Gansner, Koutsofios, North and Vo, 1993)."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from itertools import pairwise

from shinso.graph.drawing._alignment import SPACE
from shinso.graph.drawing._rows import Rows

_SECONDS = 20.0
_INCH = 72.0


def is_installed() -> bool:
    """Whether there is a ``dot`` program on the path."""
    return shutil.which("dot") is not None


def centres(levels: Sequence[Rows]) -> list[list[float]]:
    """For each level the horizontal centre of every slot, the leftmost border at 0; one run of ``dot`` for all.

    Raises subprocess.SubprocessError if it fails or takes over 20 seconds, and ValueError if it leaves slots out.
    """
    source = "".join(map(_in_its_language, levels))
    run = subprocess.run(
        ["dot", "-Tplain"], input=source, capture_output=True, encoding="utf-8", timeout=_SECONDS, check=True
    )
    pictures = list(_pictures(run.stdout))
    return [_centres(rows, places) for rows, places in zip(levels, pictures, strict=True)]


def _in_its_language(rows: Rows) -> str:
    lines = [f"digraph {{ splines=false; nodesep={SPACE / _INCH}; ranksep=0.3;"]
    lines.append('node [shape=box, fixedsize=true, height=0.2, label=""];')
    lines += [f"{slot} [width={rows.width[slot] / _INCH:.4f}];" for slot in rows.slots]
    members = rows.members
    for row in members:
        lines.append("{ rank=same; " + "; ".join(map(str, row)) + "; }")
    # Parts that hang together by nothing else keep their rows by an unseen connection of no weight.
    lines += [f"{upper[0]} -> {lower[0]} [style=invis, weight=0];" for upper, lower in pairwise(members)]
    lines += [f"{hop.start} -> {hop.end};" for hop in rows.hops]
    return "\n".join(lines) + "\n}\n"


def _pictures(plain: str) -> Iterator[dict[int, float]]:
    """For each picture of dot's plain format the centres of its nodes."""
    places: dict[int, float] = {}
    for line in plain.splitlines():
        word, *rest = line.split()
        if word == "node":
            places[int(rest[0])] = float(rest[1]) * _INCH
        elif word == "stop":
            yield places
            places = {}


def _centres(rows: Rows, places: dict[int, float]) -> list[float]:
    if len(places) != len(rows.row):
        raise ValueError(f"dot placed {len(places)} nodes of {len(rows.row)}")
    left = min((places[slot] - rows.width[slot] / 2 for slot in rows.slots), default=0.0)
    return [places[slot] - left for slot in rows.slots]
