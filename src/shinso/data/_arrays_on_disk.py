"""Checked chunks from blocks of rows whose targets are already known."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from shinso.data._dataset import LeftOut
from shinso.data._source import Chunk, Part, row_names, rows_as_payloads
from shinso.data._targets import EncodedTargets


def array_chunks(
    blocks: Iterable[np.ndarray], encoded: EncodedTargets, expected: str, part: Part, prefix: str
) -> Iterator[Chunk]:
    """The rows `[examples, ...]` of each block with finite values and a usable target, and why the others are not."""
    first = 0
    for block in blocks:
        targets, usable = (values[first : first + len(block)] for values in encoded)
        finite = _are_finite(block)
        where = row_names(first, len(block), prefix)
        left_out = []
        for row in np.flatnonzero(~(finite & usable)).tolist():
            reason = f"has no usable target; expected {expected}" if finite[row] else "holds NaN or infinite values"
            left_out.append(LeftOut(where[row].as_py(), reason))
        keep = np.flatnonzero(finite & usable)
        yield Chunk(rows_as_payloads(block[keep]), targets[keep], where.take(pa.array(keep)), part, left_out)
        first += len(block)


def _are_finite(block: np.ndarray) -> np.ndarray:
    """Whether each row holds finite values alone; bytes always do, and there may be many gigabytes of them."""
    if block.dtype.kind != "f":
        return np.ones(len(block), dtype=bool)
    return np.asarray(np.isfinite(block.reshape(len(block), -1)).all(axis=1))
