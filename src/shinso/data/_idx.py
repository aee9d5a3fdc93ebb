"""`idx:DIR`: the files of MNIST and its family, plain or gzipped (format: LeCun, Cortes & Burges, MNIST web page)."""

import gzip
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np
import pyarrow as pa

from shinso.data._arrays_on_disk import array_chunks
from shinso.data._dataset import BadData
from shinso.data._source import Chunk, Part, Reading, Source
from shinso.data._targets import meaning_of

_UNSIGNED_BYTE = 0x08


class _Pair(NamedTuple):
    """The two files of one part."""

    part: Part
    images: Path
    labels: Path


def idx(directory: Path) -> Source:
    """The images and labels of a directory. Raises BadData when files are missing, damaged or do not fit together."""
    pairs = _pairs(directory)
    shapes = [_shape(pair.images) for pair in pairs]
    if len({shape[1:] for shape in shapes}) > 1:
        raise BadData(f"{directory} holds images of several shapes: {', '.join(str(shape[1:]) for shape in shapes)}")
    example = (1, *shapes[0][1:])

    def read() -> Reading:
        labels = [_labels(pair, shape[0]) for pair, shape in zip(pairs, shapes, strict=True)]
        meaning = meaning_of(pa.chunked_array([pa.array(values) for values in labels]))

        def chunks() -> Iterator[Chunk]:
            for pair, values in zip(pairs, labels, strict=True):
                prefix = f"{pair.images.name} " if len(pairs) > 1 else ""
                rows = _rows(pair.images, example)
                yield from array_chunks(rows, meaning.encode(pa.array(values)), meaning.expected, pair.part, prefix)

        return Reading(chunks(), meaning.classes, example)

    files = [file for pair in pairs for file in pair[1:]]
    return Source(f"idx:{directory}", lambda: iter(files), sum(map(math.prod, shapes)), read)


def _pairs(directory: Path) -> list[_Pair]:
    if not directory.is_dir():
        raise BadData(f"{directory} is no directory; expected one with train-images-idx3-ubyte and the like")
    pairs = []
    for images in sorted(directory.glob("[!.]*images*idx3-ubyte*")):
        labels = images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
        if not labels.exists():
            raise BadData(f"{images} has no labels beside it; expected {labels.name}")
        is_test = "t10k" in images.name or "test" in images.name
        pairs.append(_Pair("test" if is_test else "train", images, labels))
    if not any(pair.part == "train" for pair in pairs):
        raise BadData(f"{directory} holds no training images; expected train-images-idx3-ubyte or the same with .gz")
    return pairs


def _open(file: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def _shape(file: Path) -> tuple[int, ...]:
    with _open(file) as stream:
        return _header(stream, file)


def _header(stream: BinaryIO, file: Path) -> tuple[int, ...]:
    try:
        zero, kind, axes = struct.unpack(">HBB", stream.read(4))
        shape = struct.unpack(f">{axes}I", stream.read(4 * axes))
    except (struct.error, OSError, EOFError) as error:
        raise BadData(f"{file} is no IDX file: its header is damaged ({error})") from error
    if zero != 0 or kind != _UNSIGNED_BYTE:
        raise BadData(f"{file} is no IDX file of unsigned bytes (it begins with {zero:#06x}, type {kind:#04x})")
    return shape


def _body(stream: BinaryIO, count: int, file: Path) -> bytes:
    try:
        data = stream.read(count)
    except (OSError, EOFError) as error:  # a damaged gzip stream
        raise BadData(f"{file} is damaged: {error}") from error
    if len(data) < count:
        raise BadData(f"{file} is truncated: {count - len(data)} bytes are missing")
    return data


def _labels(pair: _Pair, examples: int) -> np.ndarray:
    with _open(pair.labels) as stream:
        shape = _header(stream, pair.labels)
        if shape != (examples,):
            raise BadData(f"{pair.labels} has shape {shape}; expected ({examples},) as {pair.images.name} has images")
        return np.frombuffer(_body(stream, examples, pair.labels), np.uint8).astype(np.int64)


def _rows(file: Path, example: tuple[int, ...]) -> Iterator[np.ndarray]:
    width = math.prod(example)
    step = max(1, 2**24 // width)
    with _open(file) as stream:
        examples = _header(stream, file)[0]
        for first in range(0, examples, step):
            count = min(step, examples - first)
            yield np.frombuffer(_body(stream, count * width, file), np.uint8).reshape(count, *example)
