"""Which class is taken for which: the confusion matrix, and its worst cells in words."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from shinso.record import Record
from shinso.report._figures import NO_LEGEND, category_axis, figure, plain
from shinso.report._markup import Section, captioned, picture, table
from shinso.report._numbers import number, percent
from shinso.report._optional import labels, latest
from shinso.report._pictures import png_data_uri, signed

_MOST_INTERACTIVE = 100
_MOST_WRITTEN = 25
_MOST_PAIRS = 12
_MOST_POINTS = 250

_Counts = Int[np.ndarray, "true predicted"]


def section(record: Record) -> Section | None:
    """The matrix of the test, rows true and columns predicted, and the most frequent confusions as a table."""
    counts = latest(record, "test/confusion")
    if counts is None or counts.sum() == 0:
        return None
    names = labels(record, "test/confusion", len(counts))
    matrix = _interactive(counts, names) if len(counts) <= _MOST_INTERACTIVE else _static(counts)
    return Section("confusion", "What it takes for what", f'<div class="beside">{matrix}{_pairs(counts, names)}</div>')


def _shares(counts: _Counts) -> Float[np.ndarray, "true predicted"]:
    """Each cell as a part of its true class; a class without examples has none."""
    totals: Int[np.ndarray, "true 1"] = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares: Float[np.ndarray, "true predicted"] = np.divide(counts, totals)
    return shares


def _diagonal(counts: _Counts) -> Bool[np.ndarray, "true predicted"]:
    return np.eye(len(counts), dtype=bool)


def _caption(counts: _Counts) -> str:
    worst = float(_shares(counts)[~_diagonal(counts)].max(initial=0.0))
    return (
        "Down the true class, along what the network said; the colour is the share of the true class: indigo where "
        f"right, vermilion where wrong (at its deepest {percent(worst)}). A bad sign: a strong vermilion cell, for one "
        "class is taken for another, or a vermilion column, for one answer is given to everything."
    )


def _interactive(counts: _Counts, names: list[str]) -> str:
    """Two maps in one figure, so that a single confusion among many right answers has colours of its own."""
    diagonal = _diagonal(counts)
    right = _cells(counts, names, diagonal, [[0, "--heat-0"], [1, "--above"]])
    wrong = _cells(counts, names, ~diagonal & (counts > 0), [[0, "--faint"], [1, "--below"]])
    most_names = _MOST_WRITTEN if len(names) <= _MOST_WRITTEN else 30  # on small cells names would overlap
    layout = {
        "xaxis": category_axis(names, most_names, side="top"),
        "yaxis": category_axis(names, most_names, autorange="reversed"),
        "margin": NO_LEGEND,
    }
    least_side = 26 if len(names) <= _MOST_WRITTEN else 9
    height = max(least_side, min(46, 420 // len(names))) * len(names) + 60
    return figure("confusion-matrix", [right, wrong], layout, _caption(counts), height, least_side * len(names) + 60)


def _cells(
    counts: _Counts, names: list[str], shown: Bool[np.ndarray, "true predicted"], colours: list[list[Any]]
) -> dict[str, Any]:
    """A heat map of the cells that are shown; the others stay clear, for the other map to fill."""
    shares = _shares(counts)
    trace = {
        "type": "heatmap", "z": np.where(shown, shares, np.nan), "zmin": 0, "zmax": shares[shown].max(initial=1e-9),
        "colorscale": colours, "showscale": False, "xgap": 1, "ygap": 1, "hoverongaps": False,
        "customdata": _in_words(counts, [plain(name) for name in names]),
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip
    if len(names) <= _MOST_WRITTEN:
        trace |= {"text": np.where(shown & (counts > 0), counts.astype(str), ""), "texttemplate": "%{text}"}
    return trace


def _in_words(counts: _Counts, names: list[str]) -> list[list[str]]:
    return [
        [f"{true} → {said}: {number(count)}" for said, count in zip(names, row, strict=True)]
        for true, row in zip(names, counts.tolist(), strict=True)
    ]


def _static(counts: _Counts) -> str:
    """A picture: a thousand classes as an interactive figure would be a million numbers in the page."""
    sign = np.where(_diagonal(counts), 1.0, -1.0)
    block = -(-len(counts) // _MOST_POINTS)
    points = _strongest(sign * np.sqrt(_shares(counts)), block)  # the root lifts a few among many into sight
    alternative = f"Confusion matrix of {len(counts)} classes"
    shown = picture(png_data_uri(signed(points)), alternative, 2 * len(points), "crisp", "framed", "fitted")
    of_cells = f"the strongest of {block} × {block} cells" if block > 1 else "one cell"
    return captioned(shown, f"{_caption(counts)} Each point is {of_cells}, as strong as the root of its share.")


def _strongest(cells: Float[np.ndarray, "side side"], block: int) -> Float[np.ndarray, "points points"]:
    """Of each square of ``block`` by ``block`` cells the one farthest from zero."""
    padded = np.pad(cells, (0, -len(cells) % block))
    points = len(padded) // block
    squares = padded.reshape(points, block, points, block).transpose(0, 2, 1, 3).reshape(points, points, -1)
    strongest = np.abs(squares).argmax(axis=-1, keepdims=True)
    chosen: Float[np.ndarray, "points points"] = np.take_along_axis(squares, strongest, axis=-1)[..., 0]
    return chosen


def _pairs(counts: _Counts, names: list[str]) -> str:
    """The most frequent confusions as a table."""
    wrong = np.where(_diagonal(counts), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_PAIRS]
    cells = [divmod(int(place), len(counts)) for place in order if wrong.flat[place]]
    if not cells:
        return "<p>No test example was taken for another class.</p>"
    rows = [(names[i], names[j], int(wrong[i, j]), percent(wrong[i, j] / counts[i].sum())) for i, j in cells]
    caption = (
        "The most frequent confusions, and how large a part of the true class they are. "
        "A bad sign: the same pair in both directions, for then the two look alike to the network."
    )
    return captioned(table(("true", "taken for", "times", "of its class"), rows), caption)
