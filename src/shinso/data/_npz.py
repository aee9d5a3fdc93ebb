"""`npz:PATH`: NumPy arrays `x` and `y`, or `x_train`, `y_train`, `x_test`, `y_test` (and `x_valid`, `y_valid`)."""

import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.lib import format as npy

from shinso.data._arrays_on_disk import array_chunks
from shinso.data._dataset import BadData
from shinso.data._source import PARTS, Chunk, Part, Reading, Source
from shinso.data._targets import EncodedTargets, Meaning, NoTargets, Quantities, meaning_of

_DAMAGED = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What a broken, encrypted or unusual archive raises."""


class _Header(NamedTuple):
    """Shape and dtype of a stored array."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


def npz(path: Path) -> Source:
    """The arrays of an .npz file, read without pickle. Raises BadData for missing, damaged or mismatched arrays."""
    headers = _headers(path)
    names = _names(path, headers)
    _check_headers(path, headers, names)
    first = headers[names["train"][0]]
    dtype = "uint8" if first.dtype == np.uint8 else "float32"
    example = _example_shape(path, first)
    examples = sum(headers[inputs].shape[0] for inputs, _ in names.values())

    def read() -> Reading:
        targets = {part: _whole(path, name) for part, (_, name) in names.items()}
        meaning = _meaning(list(targets.values()))

        def chunks() -> Iterator[Chunk]:
            for part, (inputs, _) in names.items():
                prefix = f"{inputs} " if len(names) > 1 else ""
                blocks = (_as_examples(block, example, dtype) for block in _blocks(path, inputs))
                yield from array_chunks(blocks, _encode(meaning, targets[part]), meaning.expected, part, prefix)

        return Reading(chunks(), meaning.classes, example, dtype)

    size = examples * math.prod(example) * np.dtype(dtype).itemsize
    return Source(f"npz:{path}", lambda: iter([path]), size, read)


def npz_inputs(path: Path) -> Source:
    """The examples of all parts of an .npz file; targets need not be there. Raises BadData as `npz`."""
    headers = _headers(path)
    names = ["x"] if "x" in headers else [f"x_{part}" for part in PARTS if f"x_{part}" in headers]
    if not names:
        raise BadData(f"{path} holds {', '.join(headers) or 'nothing'}; expected x, or x_train")
    for name in names:
        if len(headers[name].shape) < 2:
            raise BadData(f"{path}: {name} has shape {headers[name].shape}; expected [examples, ...]")
    _check_kinds(path, headers, names)
    first = headers[names[0]]
    dtype = "uint8" if first.dtype == np.uint8 else "float32"
    example = _example_shape(path, first)

    def chunks() -> Iterator[Chunk]:
        for name in names:
            prefix = f"{name} " if len(names) > 1 else ""
            blocks = (_as_examples(block, example, dtype) for block in _blocks(path, name))
            unknown = NoTargets().encode(pa.nulls(headers[name].shape[0]))
            yield from array_chunks(blocks, unknown, NoTargets.expected, "train", prefix)

    size = sum(headers[name].shape[0] for name in names) * math.prod(example) * np.dtype(dtype).itemsize
    return Source(
        f"npz:{path}",
        lambda: iter([path]),
        size,
        lambda: Reading(chunks(), None, example, dtype),
        {"inputs": names},
    )


def _headers(path: Path) -> dict[str, _Header]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            found = {}
            for name in names:
                with archive.open(f"{name}.npy") as stream:
                    found[name] = _read_header(stream, path, name)
            return found
    except _DAMAGED as error:
        raise BadData(f"{path} cannot be read as .npz: {error}") from error


def _read_header(stream: IO[bytes], path: Path, name: str) -> _Header:
    try:
        major, _ = npy.read_magic(stream)
        shape, fortran, dtype = (npy.read_array_header_1_0 if major == 1 else npy.read_array_header_2_0)(stream)
    except ValueError as error:
        raise BadData(f"{path}: {name} is no NumPy array: {error}") from error
    if dtype.kind not in "buifU":
        raise BadData(f"{path}: {name} holds {dtype}; expected numbers (or text labels), nothing pickled")
    if fortran and len(shape) > 1:
        raise BadData(f"{path}: {name} is stored column by column; save np.ascontiguousarray of it")
    return _Header(shape, dtype)


def _names(path: Path, headers: dict[str, _Header]) -> dict[Part, tuple[str, str]]:
    """The names of inputs and targets of each part."""
    if {"x", "y"} <= headers.keys():
        return {"train": ("x", "y")}
    names: dict[Part, tuple[str, str]] = {
        part: (f"x_{part}", f"y_{part}") for part in PARTS if {f"x_{part}", f"y_{part}"} <= headers.keys()
    }
    if "train" not in names:
        raise BadData(f"{path} holds {', '.join(headers) or 'nothing'}; expected x and y, or x_train and y_train")
    return names


def _check_headers(path: Path, headers: dict[str, _Header], names: dict[Part, tuple[str, str]]) -> None:
    """Raises BadData unless targets fit their inputs and all parts hold the same kind of example."""
    for inputs, targets in names.values():
        (shape, _), (target_shape, kind) = headers[inputs], headers[targets]
        if len(shape) < 2 or shape[:1] != target_shape[:1]:
            raise BadData(
                f"{path}: {inputs} has shape {shape} and {targets} {target_shape}; "
                f"expected [examples, ...] and [examples]"
            )
        if kind.kind != "f" and math.prod(target_shape[1:]) != 1:
            raise BadData(f"{path}: {targets} has shape {target_shape}; expected one label an example, [examples]")
        if len(target_shape) > 2:
            raise BadData(f"{path}: {targets} has shape {target_shape}; expected [examples] or [examples, outputs]")
    _check_kinds(path, headers, [inputs for inputs, _ in names.values()])


def _check_kinds(path: Path, headers: dict[str, _Header], names: Sequence[str]) -> None:
    kinds = {name: (headers[name].shape[1:], str(headers[name].dtype)) for name in names}
    if len(set(kinds.values())) > 1:
        raise BadData(f"{path} holds several kinds of examples: {kinds}; expected one shape and type")


def _example_shape(path: Path, header: _Header) -> tuple[int, ...]:
    """Features, or channels before height and width."""
    shape = header.shape[1:]
    if len(shape) == 1:
        return shape
    if len(shape) == 2:
        return (1, *shape)
    if len(shape) == 3:
        return (shape[2], *shape[:2]) if _is_channels_last(shape) else shape
    raise BadData(f"{path}: examples have shape {shape}; expected features, or an image of two or three axes")


def _is_channels_last(shape: tuple[int, ...]) -> bool:
    return shape[-1] in (1, 3) and shape[0] not in (1, 3)


def _as_examples(block: np.ndarray, example: tuple[int, ...], dtype: str) -> np.ndarray:
    if block.ndim == 4 and _is_channels_last(block.shape[1:]):
        block = block.transpose(0, 3, 1, 2)
    with np.errstate(over="ignore"):  # what does not fit becomes infinite and is reported
        return np.ascontiguousarray(block.reshape(len(block), *example).astype(dtype, copy=False))


def _blocks(path: Path, name: str) -> Iterator[np.ndarray]:
    """The array in blocks of about 16 MB, as it comes out of the archive."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        header = _read_header(stream, path, name)
        width = math.prod(header.shape[1:]) * header.dtype.itemsize
        step = max(1, 2**24 // max(width, 1))
        for first in range(0, header.shape[0], step):
            count = min(step, header.shape[0] - first)
            data = _exactly(stream, count * width, path, name)
            block = np.frombuffer(data, header.dtype).reshape(count, *header.shape[1:])
            yield block.astype(header.dtype.newbyteorder("="), copy=False)


def _exactly(stream: IO[bytes], count: int, path: Path, name: str) -> bytes:
    try:
        data = stream.read(count)
    except _DAMAGED as error:
        raise BadData(f"{path}: {name} is damaged: {error}") from error
    if len(data) < count:
        raise BadData(f"{path}: {name} is truncated: {count - len(data)} bytes are missing")
    return data


def _whole(path: Path, name: str) -> np.ndarray:
    header = _headers(path)[name]
    empty = np.empty((0, *header.shape[1:]), header.dtype)
    values = np.concatenate([empty, *_blocks(path, name)])
    return values.astype(values.dtype.newbyteorder("="))


def _meaning(targets: list[np.ndarray]) -> Meaning:
    if targets[0].ndim == 2 and targets[0].dtype.kind == "f":
        return Quantities()
    return meaning_of(pa.chunked_array([pa.array(values.ravel()) for values in targets]))


def _encode(meaning: Meaning, targets: np.ndarray) -> EncodedTargets:
    """Labels [examples], or quantities [examples, outputs]."""
    values, usable = meaning.encode(pa.array(targets.ravel()))
    if not isinstance(meaning, Quantities):
        return EncodedTargets(values, usable)
    rows = len(targets)
    return EncodedTargets(values.reshape(rows, -1), np.asarray(usable.reshape(rows, -1).all(axis=1)))
