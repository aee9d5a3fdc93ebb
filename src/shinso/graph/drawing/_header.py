"""What stands above the drawing: the network's name and size, and what the colours mean."""

from shinso.graph._graph import Graph
from shinso.graph._quantities import count_text
from shinso.graph.drawing._colour import BOUNDS, Shares
from shinso.graph.drawing._markup import number, text
from shinso.graph.drawing._text_width import text_width
from shinso.graph.drawing._wording import shortened

_LEFT, _STEP = 24.0, 48.0


def header(graph: Graph, shares: Shares) -> str:
    """The header, from the upper left corner of the file."""
    return (
        text(_LEFT, 40, shortened(graph.name, 60), "name")
        + text(_LEFT, 60, _facts(graph, shares), "quiet")
        + _legend(shares)
    )


def header_size(graph: Graph, shares: Shares) -> tuple[float, float]:
    """Its width and height."""
    name, facts = text_width(shortened(graph.name, 60), 22), text_width(_facts(graph, shares), 11)
    legend = _STEP * (len(BOUNDS) + 1) if shares.total else 0.0
    return 2 * _LEFT + max(name, facts, legend), 104.0 if shares.total else 52.0


def _facts(graph: Graph, shares: Shares) -> str:
    parameters = sum(node.spec.elements for node in graph.parameters)
    facts = [_counted(len(graph.operations), "operation")]
    if parameters:
        facts.append(_counted(parameters, "parameter"))
    if shares.total:
        facts.append(f"{count_text(shares.total)} multiply-accumulates")
    return " · ".join(facts)


def _counted(count: int, word: str) -> str:
    return f"{count_text(count) or 0} {word}" + ("" if count == 1 else "s")


def _legend(shares: Shares) -> str:
    """The colours with the shares at which they begin."""
    if not shares.total:
        return ""
    drawn = [text(_LEFT, 84, "share of multiply-accumulates", "quiet")]
    for shade in range(len(BOUNDS) + 1):
        x = _LEFT + _STEP * shade
        drawn.append(f'<rect x="{number(x)}" y="91" width="{number(_STEP)}" height="10" class="box shade-{shade}"/>')
        said = "none" if shade == 0 else f"> {100 * BOUNDS[shade - 1]:g} %"
        drawn.append(text(x + 2, 114, said, "quiet"))
    return "".join(drawn)
