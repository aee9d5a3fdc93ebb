"""What a reader hands over: where the examples are, how large they are, and the checked examples chunk by chunk."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shinso.data._dataset import LeftOut

Part = Literal["train", "valid", "test"]
PARTS: tuple[Part, ...] = ("train", "valid", "test")


@dataclass(frozen=True)
class Chunk:
    """Some examples of one part that passed their checks, and those beside them that did not."""

    payloads: pa.LargeBinaryArray
    targets: np.ndarray
    """int64 [examples] or float32 [examples, outputs]."""
    where: pa.Array
    part: Part
    left_out: list[LeftOut] = field(default_factory=list)
    sizes: np.ndarray | None = None
    """Images only: height, width, channels of each, int32 [examples, 3]; others all have the reading's shape."""


@dataclass(frozen=True)
class Reading:
    """A source opened for one pass: what is known beforehand, then the chunks."""

    chunks: Iterable[Chunk]
    classes: tuple[str, ...] | None
    shape: tuple[int, ...] | None = None
    """Shape of one example; None when the payloads are encoded images, whose size is found on the way."""
    dtype: str = "uint8"


@dataclass(frozen=True)
class Source:
    """A named set of files and how to read it; making one reads no more than a header."""

    name: str
    files: Callable[[], Iterator[Path]]
    """All files that the examples depend on, in a fixed order."""
    decoded_bytes: int
    """Upper bound of the memory that all decoded examples take."""
    read: Callable[[], Reading]
    options: dict[str, Any] = field(default_factory=dict)
    """What else the result of reading depends on."""


def rows_as_payloads(rows: np.ndarray) -> pa.LargeBinaryArray:
    """Each row of a contiguous array as the bytes of one payload, without a copy."""
    rows = np.ascontiguousarray(rows)
    width = rows.nbytes // max(len(rows), 1)
    offsets = np.arange(len(rows) + 1, dtype=np.int64) * width
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(rows), [None, pa.py_buffer(offsets), pa.py_buffer(rows)]
    )


def row_names(first: int, count: int, prefix: str = "") -> pa.Array:
    """The names `row 1`, `row 2`, ... (counted from 1, after `first` earlier rows), made without a Python loop."""
    numbers = pc.cast(pa.array(np.arange(first + 1, first + count + 1)), pa.string())
    return pc.binary_join_element_wise(f"{prefix}row", numbers, " ")
