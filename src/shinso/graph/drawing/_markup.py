"""Pieces of SVG; every text that comes from outside is escaped here."""

import math
import re
from html import escape

from shinso.graph.drawing._faces import INDENT, Face

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escaped(content: str) -> str:
    """The text for an element or attribute; characters that XML does not know become �."""
    return escape(_NOT_IN_XML.sub("\ufffd", content))


def text(x: float, y: float, content: str, classes: str) -> str:
    """A line of text."""
    return f'<text x="{number(x)}" y="{number(y)}" class="{classes}">{escaped(content)}</text>'


def tooltip(content: str) -> str:
    """What a browser shows at the pointer, and reads aloud."""
    return f"<title>{escaped(content)}</title>"


def moved(x: float, y: float) -> str:
    """The attribute that puts an element at its place."""
    return f'transform="translate({number(x)} {number(y)})"'


def number(value: float) -> str:
    """A length to a tenth of a pixel."""
    # Half a tenth goes up, as in JavaScript, so that the script writes the same.
    return f"{math.floor(value * 10 + 0.5) / 10:.1f}".removesuffix(".0")


def front(face: Face, shade: int, corner: float) -> str:
    """The box itself, and what it says."""
    width, height = number(face.width), number(face.height)
    box = f'<rect width="{width}" height="{height}" rx="{number(corner)}" class="box shade-{shade}"/>'
    lines = [text(INDENT, 36 + 15 * place, line, "quiet") for place, line in enumerate(face.lines)]
    mark = text(face.width - INDENT, 21, face.mark, "mark")
    return "".join([box, text(INDENT, 21, face.title, "title"), mark, *lines])
