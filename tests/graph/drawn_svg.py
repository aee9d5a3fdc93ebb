"""A drawing read back from its file: what is seen, and where."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise

SVG = "{http://www.w3.org/2000/svg}"


@dataclass
class Seen:
    """A box, or an unfolded group with the boxes in it."""

    name: str
    kind: str
    left: float
    top: float
    width: float
    height: float
    texts: list[tuple[str, str]] = field(default_factory=list)
    """What it says, and the class that it is written in."""
    inside: list["Seen"] = field(default_factory=list)
    lines: list[list[tuple[float, float]]] = field(default_factory=list)
    """Points along each line directly in it."""
    labels: list[str] = field(default_factory=list)

    def everything(self) -> Iterator["Seen"]:
        yield self
        for part in self.inside:
            yield from part.everything()


def read(document: str) -> Seen:
    """What is seen of a drawing before anyone clicks."""
    root = ET.fromstring(document)
    whole = next(child for child in root if child.get("class") == "whole")
    x, y = _moved(whole)
    seen = Seen("", "whole", 0.0, 0.0, float(root.get("width", 0)), float(root.get("height", 0)))
    return _with_inside(seen, whole, x, y)


def problems(seen: Seen) -> list[str]:
    """Boxes that overlap or stick out, lines that go up or through a box."""
    found = []
    for group in (part for part in seen.everything() if part.inside):
        for one, other in combinations(group.inside, 2):
            if _gap(one, other) < 1:
                found.append(f"{one.name} and {other.name} overlap")
        found += [f"{part.name} sticks out of {group.name}" for part in group.inside if not _holds(group, part)]
        for line in group.lines:
            if any(below[1] < above[1] for above, below in pairwise(line)):
                found.append(f"a line in {group.name} goes up")
            found += [f"a line goes through {part.name}" for part in group.inside if _meets(line, part)]
    return found


def _with_inside(seen: Seen, element: ET.Element, x: float, y: float) -> Seen:
    inside = next(child for child in element if child.get("class") == "inside")
    for child in inside:
        kind = (child.get("class") or "").split()
        if "part" in kind:
            seen.inside.append(_part(child, kind, x, y))
        elif "edge" in kind:
            seen.lines.append([(x + px, y + py) for px, py in _points(child.get("d", ""))])
        elif "label" in kind:
            seen.labels.append(child.text or "")
    return seen


def _part(element: ET.Element, kind: list[str], x: float, y: float) -> Seen:
    left, top = _moved(element)
    left, top = left + x, top + y
    if "group" in kind and "folded" not in kind:
        inside = next(child for child in element if child.get("class") == "inside")
        frame = next(child for child in inside if child.get("class") == "frame")
        name, width, height = (
            element.get("data-module", ""),
            float(frame.get("width", 0)),
            float(frame.get("height", 0)),
        )
        return _with_inside(Seen(name, "group", left, top, width, height), element, left, top)
    front = next((child for child in element if child.get("class") == "small"), element)
    box = next(child for child in front if "box" in (child.get("class") or "").split())
    texts = [(child.text or "", child.get("class", "")) for child in front if child.tag == f"{SVG}text"]
    name = element.get("data-module") or f"{kind[-1]} {element.get('data-node')}"
    shade = (box.get("class") or "").removeprefix("box ")
    width, height = float(box.get("width", 0)), float(box.get("height", 0))
    return Seen(name, " ".join([*kind[1:], shade]), left, top, width, height, texts)


def _moved(element: ET.Element) -> tuple[float, float]:
    found = re.fullmatch(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
    assert found is not None
    return float(found[1]), float(found[2])


def _points(path: str) -> list[tuple[float, float]]:
    """Points along ``M x y V y C …``."""
    x, y, bottom, *curve = map(float, re.findall(r"-?[\d.]+", path))
    a, b, c = ((curve[0], curve[1]), (curve[2], curve[3]), (curve[4], curve[5]))
    points = [(x, y + (bottom - y) * step / 10) for step in range(11)]
    for step in range(1, 21):
        t = step / 20
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        corners = ((x, bottom), a, b, c)
        points.append(
            (sum(w * p[0] for w, p in zip(weights, corners, strict=True)),
             round(sum(w * p[1] for w, p in zip(weights, corners, strict=True)), 6))
        )  # fmt: skip
    return points


def _gap(one: Seen, other: Seen) -> float:
    across = max(one.left - other.left - other.width, other.left - one.left - one.width)
    return max(across, one.top - other.top - other.height, other.top - one.top - one.height)


def _holds(group: Seen, part: Seen) -> bool:
    across = group.left <= part.left + 0.2 and part.left + part.width <= group.left + group.width + 0.2
    return across and group.top <= part.top and part.top + part.height <= group.top + group.height


def _meets(line: list[tuple[float, float]], part: Seen) -> bool:
    return any(
        part.left + 1 < x < part.left + part.width - 1 and part.top + 1 < y < part.top + part.height - 1
        for x, y in line
    )
