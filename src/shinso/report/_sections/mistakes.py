"""The worst mistakes: pictures where there are pictures, else a table."""

from html import escape

import numpy as np
from jaxtyping import Shaped, UInt8

from shinso.record import Record
from shinso.report._markup import Section, captioned, picture, table
from shinso.report._numbers import number
from shinso.report._optional import labels, latest
from shinso.report._pictures import png_data_uri

_SHOWN_WIDTH = 104  # CSS pixels
_MOST_FEATURES = 12
_DARK = 100  # pictures that are nowhere brighter are stored on another scale, such as the digits' 0 to 16

_GALLERY_CAPTION = (
    "What it is → what the network said, and how wrong it was, worst first. A bad sign: clear pictures (the network "
    "has learned something else), or pictures that are labelled wrongly (the data have to be mended)."
)
_TABLE_CAPTION = (
    "The test examples the network was most wrong about, worst first. "
    "A bad sign: rows that share something, such as one class or one extreme feature."
)
_Targets = Shaped[np.ndarray, " mistakes"]


def section(record: Record) -> Section | None:
    """The examples the network was most wrong about, worst first."""
    targets, predictions = latest(record, "test/mistakes/target"), latest(record, "test/mistakes/prediction")
    if targets is None or predictions is None or len(targets) == 0:
        return None
    words = _in_words(record, targets, predictions)
    images = latest(record, "test/mistakes/images")
    body = _table(record, words) if images is None else _gallery(images, words)
    return Section("mistakes", "Its worst mistakes", body)


def _in_words(record: Record, targets: _Targets, predictions: _Targets) -> list[tuple[str, str, str, str]]:
    """For each mistake: which example it is, what is true, what was said, and how wrong that is."""
    index = latest(record, "test/mistakes/index")
    places = [number(place) for place in (range(len(targets)) if index is None else index.tolist())]
    if np.issubdtype(targets.dtype, np.floating):
        true, said = [list(map(number, values.tolist())) for values in (targets, predictions)]
        wrong = [f"off\u00a0by\u00a0{number(distance)}" for distance in (predictions - targets).tolist()]
    else:
        names = labels(record, "test/confusion", int(max(targets.max(), predictions.max())) + 1)
        true, said = [names[t] for t in targets], [names[p] for p in predictions]
        wrong = _sureness(record, len(targets))
    return list(zip(places, true, said, wrong, strict=True))


def _sureness(record: Record, count: int) -> list[str]:
    given = latest(record, "test/mistakes/probability")
    return [""] * count if given is None else [f"{100 * sure:.0f}\u00a0% sure" for sure in given.tolist()]


def _gallery(
    images: UInt8[np.ndarray, "mistakes height width channels"], words: list[tuple[str, str, str, str]]
) -> str:
    brightest = max(int(images.max()), 1)
    caption = _GALLERY_CAPTION
    if brightest < _DARK:
        images = np.rint(images * (255 / brightest)).astype(np.uint8)
        caption += f" Brightened: the greatest value stored is {brightest} of 255."
    cards = "".join(_card(image, *row) for image, row in zip(images, words, strict=True))
    return f'<figure><ul class="gallery">{cards}</ul><figcaption>{escape(caption)}</figcaption></figure>'


def _card(image: UInt8[np.ndarray, "height width channels"], place: str, true: str, said: str, wrong: str) -> str:
    # Small pictures are enlarged with hard edges, so that each pixel can be seen; large ones are scaled down softly.
    classes = ("crisp",) if max(image.shape[:2]) < _SHOWN_WIDTH else ()
    shown = picture(png_data_uri(image), f"Test example {place}: {true} taken for {said}", _SHOWN_WIDTH, *classes)
    answer = f'<b>{escape(true)}</b> <span class="arrow">→</span> <b class="wrong">{escape(said)}</b>'
    return f'<li>{shown}<p>{answer}</p><p class="quiet">{escape(wrong)}</p><p class="quiet">no. {place}</p></li>'


def _table(record: Record, words: list[tuple[str, str, str, str]]) -> str:
    header, rows, caption = ["no.", "true", "predicted", "how wrong"], [[*row] for row in words], _TABLE_CAPTION
    features = latest(record, "test/mistakes/features")
    if features is None:
        return captioned(table(header, rows), caption)
    header += [f"feature {place}" for place in range(1, features.shape[1] + 1)]
    full = [[*row, *values] for row, values in zip(rows, features.tolist(), strict=True)]
    if features.shape[1] > _MOST_FEATURES:
        caption += f" The first {_MOST_FEATURES} of {number(features.shape[1])} features are shown."
    width = 4 + _MOST_FEATURES
    return captioned(table(header[:width], [row[:width] for row in full]), caption)
