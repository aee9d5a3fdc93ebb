"""The file: markup and style, and the script with the numbers that it folds and unfolds by."""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib import resources
from typing import Any

from shinso.graph._graph import Graph
from shinso.graph._node import Node
from shinso.graph.drawing._arrange import BORDER_GAP, ENTRY_GAP, GAP, HEADING, MARGIN, Arrangement, arrange_all
from shinso.graph.drawing._colour import Shares
from shinso.graph.drawing._faces import INDENT, Face, describe, describe_node
from shinso.graph.drawing._folding import folded_at_first
from shinso.graph.drawing._header import header, header_size
from shinso.graph.drawing._markup import escaped, front, moved, number, text, tooltip
from shinso.graph.drawing._outline import Box, Group, outline
from shinso.graph.drawing._plan import Label, Plan, plans
from shinso.graph.drawing._text_width import text_width
from shinso.graph.drawing._wording import value_text

_ARROW = (
    '<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" class="head"/></marker>'
)


@dataclass(frozen=True)
class _Scene:
    """All that the parts of the picture are written from."""

    plans: Mapping[Group, Plan]
    arrangements: Mapping[Group, Arrangement]
    folded: Set[Group]
    shares: Shares


def svg(graph: Graph, macs: Mapping[Node, int], depth: int | None = None) -> str:
    """The graph as an SVG document; ``macs`` are the multiply-accumulates of its operations, none if not known.

    Raises ValueError for a depth under 0.
    """
    whole, shares = outline(graph), Shares(macs)
    folded = folded_at_first(whole, depth)
    planned = plans(graph, whole, shares)
    scene = _Scene(planned, arrange_all(planned, folded), folded, shares)
    head_width, head_height = header_size(graph, shares)
    size = scene.arrangements[whole].size
    width, height = max(size.width, head_width), head_height + size.height
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="shinso" width="{number(width)}" height="{number(height)}" '
            f'viewBox="0 0 {number(width)} {number(height)}">',
            tooltip(graph.name),
            f"<style>{_packaged('drawing.css')}</style><defs>{_ARROW}</defs>",
            f'<rect width="100%" height="100%" class="paper"/><g class="header">{header(graph, shares)}</g>',
            f'<g class="whole" {moved((width - size.width) / 2, head_height)}>{_inside(whole, scene)}</g>',
            _script(whole, scene, head_width, head_height),
            "</svg>\n",
        ]
    )


def _inside(group: Group, scene: _Scene) -> str:
    plan, arrangement = scene.plans[group], scene.arrangements[group]
    placement = plan.placement
    drawn = []
    if group.path:
        size = arrangement.size
        drawn.append(f'<rect width="{number(size.width)}" height="{number(size.height)}" rx="10" class="frame"/>')
    drawn += [
        _edge(line, _has_tip(plan, end.slot, scene))
        for (_, end), line in zip(plan.hops, arrangement.lines, strict=True)
    ]
    for part, face, (x, y) in zip(placement.level.parts, placement.faces, arrangement.places, strict=True):
        drawn.append(_box(part, face, x, y, scene) if isinstance(part, Box) else _group(part, face, x, y, scene))
    drawn += [_label(plan, *label) for label in zip(plan.labels, arrangement.labels, strict=True)]
    return f'<g class="inside">{"".join(drawn)}</g>'


def _has_tip(plan: Plan, slot: int, scene: _Scene) -> bool:
    """Whether a line ends there: into an unfolded group it goes on."""
    part = plan.placement.level.part(slot)
    return isinstance(part, Box) or part in scene.folded


def _edge(line: tuple[float, float, float, float, float], has_tip: bool) -> str:
    x, y, bottom, end_x, end_y = map(number, line)
    middle = number((line[2] + line[4]) / 2)
    tip = " tip" if has_tip else ""
    return f'<path class="edge{tip}" d="M{x} {y}V{bottom}C{x} {middle} {end_x} {middle} {end_x} {end_y}"/>'


def _label(plan: Plan, label: Label, place: tuple[float, float]) -> str:
    said = escaped(value_text(plan.placement.level.nets[label.net].value))
    side, x = ("label left", -6) if label.on_the_left else ("label", 6)
    return f'<text class="{side}" {moved(*place)} x="{x}" y="16">{said}</text>'


def _box(box: Box, face: Face, x: float, y: float, scene: _Scene) -> str:
    is_operation = box.kind == "operation"
    shade = scene.shares.shade([box.node]) if is_operation else 0
    drawn = tooltip(describe_node(box.node, scene.shares))
    drawn += front(face, shade, 6 if is_operation else face.height / 2)
    kind = "operation" if is_operation else f"pill {box.kind}"
    return f'<g class="part {kind}" data-node="{box.node.number}" {moved(x, y)}>{drawn}</g>'


def _group(group: Group, face: Face, x: float, y: float, scene: _Scene) -> str:
    plan = scene.plans[group]
    told = tooltip(describe(group, plan.placement.level, scene.shares))
    small = f'<rect x="4" y="4" width="{number(face.width)}" height="{number(face.height)}" rx="6" class="back"/>'
    small += front(face, scene.shares.shade(group.operations), 6)
    title, cost = plan.heading
    heading = f'<rect x="2" y="2" width="{number(plan.heading_width - 8)}" height="22" rx="6" class="target"/>'
    heading += f'<path d="M{INDENT:g} 11l4 4 4 -4" class="sign"/>' + text(INDENT + 14, 18, title, "title")
    heading += text(INDENT + 22 + text_width(title, 12.5), 18, cost, "quiet") if cost else ""
    name = escaped(group.path)
    return (
        f'<g class="part group{" folded" if group in scene.folded else ""}" data-module="{name}" {moved(x, y)}>'
        f'<g class="small" {_button("unfold", name)} aria-expanded="false">{told}{small}</g>{_inside(group, scene)}'
        f'<g class="heading" {_button("fold", name)} aria-expanded="true">{told}{heading}</g></g>'
    )


def _button(does: str, name: str) -> str:
    return f'role="button" tabindex="0" aria-label="{does} {name}"'


def _script(whole: Group, scene: _Scene, head_width: float, head_height: float) -> str:
    """What the script needs: numbers only, so that no name can become code."""
    numbers = {
        "whole": {"plan": _numbers(whole, scene)},
        "header": {"width": head_width, "height": head_height},
        "measures": {"margin": MARGIN, "heading": HEADING, "gap": GAP, "entryGap": ENTRY_GAP, "borderGap": BORDER_GAP},
    }
    data = json.dumps(numbers, separators=(",", ":"))
    code = _packaged("drawing.js")
    return f'<script type="application/json" class="plan">{data}</script><script><![CDATA[\n{code}]]></script>'


def _numbers(group: Group, scene: _Scene) -> dict[str, Any]:
    plan, placement = scene.plans[group], scene.plans[group].placement
    parts: list[dict[str, Any]] = []
    for part, face in zip(placement.level.parts, placement.faces, strict=True):
        parts.append({"size": {"width": face.width, "height": face.height, "ins": face.ins, "outs": face.outs}})
        if isinstance(part, Group):
            parts[-1]["plan"] = _numbers(part, scene)
    return {
        "rows": placement.rows.row,
        "centre": placement.centre,
        "width": placement.rows.width,
        "entering": len(placement.level.entering),
        "leaving": len(placement.level.leaving),
        "hops": [[[start.slot, start.place], [end.slot, end.place]] for start, end in plan.hops],
        "labels": [[label.start.slot, label.start.place] for label in plan.labels],
        "heading": plan.heading_width,
        "parts": parts,
    }


def _packaged(name: str) -> str:
    return resources.files("shinso.graph.drawing").joinpath(name).read_text("utf-8")
