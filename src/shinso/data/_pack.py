"""One Arrow table of checked examples, in memory or in a memory-mapped file: what every source becomes before it is
split.

Columns: `payload` (the bytes of one example), `target` (raw int64 or float32), `part`, `where`, and for images
`height`, `width`. A pack on disk is a directory with `examples.arrow` and `about.json`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from shinso.data._dataset import LeftOut
from shinso.data._source import PARTS, Chunk, Reading, rows_as_payloads

Write = Callable[[pa.RecordBatch], Any]


@dataclass
class About:
    """What is known of a pack as a whole, once all of it is written."""

    classes: list[str] | None
    shape: list[int] | None
    dtype: str
    target_dtype: str = "int64"
    outputs: int | None = None
    """Numbers in one regression target; None for a label."""
    sizes: Counter[str] = field(default_factory=Counter)
    """Images: how many have each `height x width`."""
    channels: Counter[int] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(vars(self) | {"left_out": [vars(entry) for entry in self.left_out]})

    @classmethod
    def from_json(cls, text: str) -> "About":
        written = json.loads(text)
        written["left_out"] = [LeftOut(**entry) for entry in written["left_out"]]
        written["sizes"] = Counter(written["sizes"])
        written["channels"] = Counter({int(number): count for number, count in written["channels"].items()})
        return cls(**written)


def write_chunks(reading: Reading, write: Write) -> About:
    """Hands every chunk of the reading on as a record batch; returns what was seen on the way."""
    classes = None if reading.classes is None else list(reading.classes)
    about = About(classes, None if reading.shape is None else list(reading.shape), reading.dtype)
    for chunk in reading.chunks:
        about.left_out += chunk.left_out
        if len(chunk.payloads) == 0:
            continue
        if chunk.sizes is not None:
            about.sizes.update(f"{height}x{width}" for height, width, _ in chunk.sizes.tolist())
            about.channels.update(chunk.sizes[:, 2].tolist())
        about.target_dtype = chunk.targets.dtype.name
        about.outputs = chunk.targets.shape[1] if chunk.targets.ndim == 2 else None
        write(_record_batch(chunk))
    return about


def _record_batch(chunk: Chunk) -> pa.RecordBatch:
    count = len(chunk.payloads)
    sizes = np.zeros((count, 2), np.int32) if chunk.sizes is None else chunk.sizes
    columns = {
        "payload": chunk.payloads,
        "target": rows_as_payloads(chunk.targets),
        "part": pa.array(np.full(count, PARTS.index(chunk.part), np.int8)),
        "where": chunk.where,
        "height": pa.array(np.ascontiguousarray(sizes[:, 0])),
        "width": pa.array(np.ascontiguousarray(sizes[:, 1])),
    }
    return pa.RecordBatch.from_pydict(columns)


@dataclass(frozen=True)
class _Block:
    """Zero-copy views of one record batch."""

    offsets: np.ndarray
    payloads: memoryview


class Pack:
    """The written examples, addressable by row."""

    def __init__(self, batches: Sequence[pa.RecordBatch], about: About, release: Callable[[int], None]) -> None:
        """`release(bytes)` is told after each access, before the next, so that it can give pages back."""
        self.about = about
        self._batches = batches
        self._release = release
        self._starts = np.cumsum([0, *(len(batch) for batch in batches)])
        self._blocks = [_payload_views(batch) for batch in batches]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def payloads(self, rows: np.ndarray) -> list[bytes]:
        """The payload bytes of these rows."""
        found = []
        numbers = np.searchsorted(self._starts, rows, side="right") - 1
        for number, row in zip(numbers.tolist(), (rows - self._starts[numbers]).tolist(), strict=True):
            block = self._blocks[number]
            found.append(bytes(block.payloads[block.offsets[row] : block.offsets[row + 1]]))
            self._release(len(found[-1]))
        return found

    def targets(self) -> np.ndarray:
        """All targets, int64 [rows] or float32 [rows, outputs]."""
        outputs = self.about.outputs
        shape = (-1,) if outputs is None else (-1, outputs)
        pieces = [
            np.frombuffer(bytes(_data(column)), self.about.target_dtype).reshape(shape)
            for column in self._column("target")
        ]
        empty = np.empty((0, *shape[1:]), self.about.target_dtype)
        return np.concatenate([empty, *pieces])

    def parts(self) -> np.ndarray:
        """The given part of each row, as a position in `PARTS`, int8 [rows]."""
        return np.concatenate([np.empty(0, np.int8), *(column.to_numpy().copy() for column in self._column("part"))])

    def size_is(self, size: str) -> np.ndarray:
        """Whether each image has this `height x width`, bool [rows]."""
        height, width = map(int, size.split("x"))
        matches = [
            (tall.to_numpy() == height) & (wide.to_numpy() == width)
            for tall, wide in zip(self._column("height"), self._column("width"), strict=True)
        ]
        return np.concatenate([np.empty(0, bool), *matches])

    def where(self, row: int) -> str:
        """The name of the file or row that an example came from."""
        number = int(np.searchsorted(self._starts, row, side="right")) - 1
        name = str(self._batches[number].column("where")[row - int(self._starts[number])].as_py())
        self._release(len(name))
        return name

    def _column(self, name: str) -> Iterator[pa.Array]:
        """One column, batch by batch; a piece is to be copied before the next, which may let its pages go."""
        for batch in self._batches:
            yield batch.column(name)
            self._release(batch.column(name).nbytes)


def _payload_views(batch: pa.RecordBatch) -> _Block:
    _, offsets, data = batch.column("payload").buffers()
    return _Block(np.frombuffer(offsets, np.int64), memoryview(data if data is not None else b""))


def _data(column: pa.LargeBinaryArray) -> memoryview:
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int64)
    return memoryview(data)[ends[0] : ends[len(column)]]


def pack_in_memory(reading: Reading) -> Pack:
    """All examples of a reading, held in memory."""
    batches: list[pa.RecordBatch] = []
    about = write_chunks(reading, batches.append)
    return Pack(batches, about, lambda touched: None)
