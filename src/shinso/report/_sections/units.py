"""A closer look at single units: how many of a layer's are silent or stuck, and how much of the time."""

from html import escape

import numpy as np
from jaxtyping import Int

from shinso.record import Record
from shinso.report._figures import FAINT_RISING, NO_LEGEND, category_axis, figure, plain
from shinso.report._markup import Section
from shinso.report._numbers import number
from shinso.report._optional import latest, series

_BINS = 10
_SPANS = [f"{10 * i}–{10 * i + 10} %" for i in range(_BINS)]
_KINDS = {
    "dead": (
        "silent",
        "A bad sign: colour in the last column, for units that are always silent learn nothing and cost time.",
    ),
    "saturated": (
        "saturated",
        "A bad sign: colour in the last column, for units stuck at a bound let hardly any gradient through.",
    ),
}


def section(record: Record) -> Section | None:
    """For each layer with readings by unit, the distribution of its units at the last reading."""
    drawn = [_distribution(record, kind) for kind in _KINDS]
    return Section("units", "Unit by unit", "".join(drawn)) if any(drawn) else None


def _distribution(record: Record, kind: str) -> str:
    units = _last_by_layer(record, kind)
    if not units:
        return ""
    word, bad_sign = _KINDS[kind]
    counts = np.stack([np.histogram(shares, _BINS, (0, 1))[0] for shares in units.values()])
    always = sum(int((shares == 1).sum()) for shares in units.values())
    caption = (
        f"For each layer (down) how many of its units are {word} for so much of the inputs (along), at the last "
        f"reading; {number(always)} of {number(int(counts.sum()))} units are {word} for every input. {bad_sign}"
    )
    vertical = category_axis(list(units), autorange="reversed")
    layout = {"xaxis": category_axis(_SPANS), "yaxis": vertical, "margin": NO_LEGEND}
    height = round(len(units) * min(28, max(10, 480 / len(units)))) + 50
    drawn = figure(f"units-{kind}", [_cells(counts, list(units))], layout, caption, height)
    return f"<h3>{escape(word.capitalize())} units</h3>{drawn}"


def _cells(counts: Int[np.ndarray, "layers spans"], layers: list[str]) -> dict[str, object]:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    words = [
        [f"{plain(layer)}, {span}: {number(count)} units" for span, count in zip(_SPANS, row, strict=True)]
        for layer, row in zip(layers, counts.tolist(), strict=True)
    ]
    return {
        "type": "heatmap", "z": np.where(counts > 0, shares, np.nan), "zmin": 0, "zmax": 1, "showscale": False,
        "colorscale": FAINT_RISING, "xgap": 1, "ygap": 1, "hoverongaps": False,
        "text": np.where(counts > 0, counts.astype(str), ""), "texttemplate": "%{text}",
        "customdata": words, "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip


def _last_by_layer(record: Record, kind: str) -> dict[str, np.ndarray]:
    """The last finite reading of each unit by the path of its layer, in the network's order where that is known."""
    prefix, suffix = "activation/", f"/{kind}"
    found = {
        n[len(prefix) : -len(suffix)]: n
        for n in record.names()
        if n.startswith(prefix) and n.endswith(suffix) and n.count("/") >= 2
    }
    order = _layer_order(record, kind)
    last = {
        layer: latest(record, found[layer]) for layer in sorted(found, key=lambda layer: order.get(layer, len(order)))
    }
    return {
        layer: units[np.isfinite(units)]
        for layer, units in last.items()
        if units is not None and np.isfinite(units).any()
    }


def _layer_order(record: Record, kind: str) -> dict[str, int]:
    readings = series(record, f"activation/{kind}")
    return {layer: place for place, layer in enumerate(readings.labels)} if readings else {}
