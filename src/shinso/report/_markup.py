"""Pieces of HTML: every text that comes from outside is escaped here."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from shinso.report._numbers import number


class Section(NamedTuple):
    """A part of the page: ``body`` is HTML, ``title`` is text."""

    anchor: str
    title: str
    body: str


def captioned(content: str, caption: str) -> str:
    """A figure of HTML ``content`` that may scroll sideways in its box, with a caption in plain text."""
    return f'<figure><div class="scroll">{content}</div><figcaption>{escape(caption)}</figcaption></figure>'


def picture(data_uri: str, alternative: str, width: int, *classes: str) -> str:
    """A picture of ``width`` CSS pixels; ``alternative`` is read aloud in its place."""
    return f'<img class="{" ".join(classes)}" src="{data_uri}" alt="{escape(alternative)}" width="{width}">'


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of texts and numbers; a column of numbers is set flush right."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, int | float):
        return f'<td class="number">{number(value)}</td>'
    return f"<td>{escape(str(value))}</td>"


def definitions(content: Mapping[str, Any]) -> str:
    """Names and values, whatever they are; a mapping inside becomes a list inside."""
    entries = "".join(
        f"<div><dt>{escape(_words(key))}</dt><dd>{_value(value)}</dd></div>" for key, value in content.items()
    )
    return f"<dl>{entries}</dl>"


def _words(key: str) -> str:
    return str(key).replace("_", " ")


def _value(value: object) -> str:
    match value:
        case None | "":
            return "–"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return number(value)
        case Mapping():
            return definitions(value)
        case list() if any(isinstance(entry, Mapping) for entry in value):
            return "".join(f"<div>{_value(entry)}</div>" for entry in value)
        case list():
            return ", ".join(_value(entry) for entry in value) or "–"
    return escape(str(value))
