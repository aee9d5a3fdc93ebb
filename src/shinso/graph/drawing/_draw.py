"""The picture of a graph as a file."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from shinso.graph._graph import Graph
from shinso.graph._node import Node
from shinso.graph.drawing._svg import svg


def draw(graph: Graph, path: str | Path, *, depth: int | None = None) -> Path:
    """The path of the SVG file that shows the graph: operations in rows from top to bottom, modules as groups.

    A click on the name of a group folds or unfolds it; modules deeper than ``depth`` are folded at first. By default
    all is unfolded that makes no more than some 60 boxes. Colour is an operation's share of all multiply-accumulates.
    Boxes are placed by Graphviz if its ``dot`` is on the path, otherwise by rows, barycentres and straight lines
    (Sugiyama et al., 1981; Brandes and Köpf, 2001). The file needs no other; a reader of an older one never sees half.

    Raises FileNotFoundError if the folder does not exist, ValueError for a depth under 0 or a path not in ``.svg``.
    """
    target = Path(path)
    if target.suffix.lower() != ".svg":
        raise ValueError(f"the picture is an SVG file; got {str(path)!r}: give a path that ends in .svg")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} into: create it first")
    return _replace(target, svg(graph, _macs(graph), depth))


def _macs(graph: Graph) -> Mapping[Node, int]:
    """Multiply-accumulates of each operation; none if the cost of this graph cannot be had."""
    try:
        cost = graph.cost()
        return {node: own.macs + own.matmul_macs for node, own in cost.nodes.items()}
    except Exception:  # a network is worth seeing even where an operation of it has no known cost
        return {}


def _replace(target: Path, text: str) -> Path:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, suffix=".svg", delete=False) as file:
        try:
            file.write(text)
            file.close()
            os.chmod(file.name, 0o644)  # a temporary file is readable by its owner only; a picture is for sharing
            os.replace(file.name, target)
        except BaseException:
            os.unlink(file.name)
            raise
    return target
