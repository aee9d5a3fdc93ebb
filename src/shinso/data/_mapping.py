"""Packs on disk: written once, found again by a fingerprint of the files behind them, read through a bounded window."""

import hashlib
import json
import mmap
import os
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
from filelock import FileLock

from shinso.data._dataset import BadData
from shinso.data._pack import About, Pack, write_chunks
from shinso.data._source import Source

_FORMAT = 1
"""Raised whenever the meaning of a pack changes, so that older ones are not found."""
_WINDOW_BYTES = 64 * 2**20
_FAULT_BYTES = 2 * 2**20
"""The most that one access maps besides what it reads: Linux maps a whole huge page where the page cache holds one."""


def cache_directory() -> Path:
    """Where packs are kept: `$SHINSO_CACHE`, else `shinso` in the user's cache directory (XDG)."""
    if chosen := os.environ.get("SHINSO_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shinso"


def mapped_pack(source: Source) -> Pack:
    """The pack of a source, memory-mapped; written first when its files are new or changed."""
    directory = cache_directory() / fingerprint(source)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{directory}.lock"):
            if not directory.exists():
                _write(source, directory)
    except OSError as error:
        raise BadData(
            f"{source.name} is too large for memory and cannot be packed in {directory.parent} ({error}); free some "
            f"space or set SHINSO_CACHE to a directory with room"
        ) from error
    return open_pack(directory)


def fingerprint(source: Source) -> str:
    """A name that changes with the files behind a source (paths, sizes, times) and the reader's options."""
    digest = hashlib.sha256(json.dumps([_FORMAT, source.name, source.options], sort_keys=True).encode())
    for path in source.files():
        status = path.stat() if path.exists() else path.lstat()  # a broken link is one bad file, found when it is read
        digest.update(f"{path.absolute()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _write(source: Source, directory: Path) -> None:
    """Writes beside the final place and renames, so that a pack is whole or absent."""
    for abandoned in directory.parent.glob(f"{directory.name}.partial-*"):  # of a process that was killed
        shutil.rmtree(abandoned, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{directory.name}.partial-", dir=directory.parent))
    try:
        with pa.OSFile(str(partial / "examples.arrow"), "wb") as file:
            writer: list[pa.RecordBatchFileWriter] = []

            def write(batch: pa.RecordBatch) -> None:
                if not writer:
                    writer.append(pa.ipc.new_file(file, batch.schema))
                writer[0].write_batch(batch)

            about = write_chunks(source.read(), write)
            for opened in writer:
                opened.close()
        (partial / "about.json").write_text(about.to_json())
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def open_pack(directory: Path) -> Pack:
    """The pack in a directory, memory-mapped."""
    about = About.from_json((directory / "about.json").read_text())
    window = _Window(directory / "examples.arrow")
    return Pack(window.batches(), about, window.touched)


class _Window:
    """A read-only mapping of a file that lets go of its pages before they add up to more than `_WINDOW_BYTES`."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            empty = os.fstat(file.fileno()).st_size == 0
            self._map = None if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._touched = 0
        self._advise("MADV_RANDOM")  # no read-ahead: batches are drawn at random

    def batches(self) -> list[pa.RecordBatch]:
        if self._map is None:
            return []
        reader = pa.ipc.open_file(pa.py_buffer(self._map))
        found = []
        for number in range(reader.num_record_batches):
            found.append(reader.get_batch(number))
            self.touched(0)  # the header of the batch was read
        return found

    def touched(self, count: int) -> None:
        """Counts one read of so many bytes. Dropped pages stay in the system's page cache, but are ours no more."""
        self._touched += count + _FAULT_BYTES
        if self._touched > _WINDOW_BYTES:
            self._touched = 0
            self._advise("MADV_DONTNEED")

    def _advise(self, name: str) -> None:
        if self._map is not None and hasattr(mmap, name):
            self._map.madvise(getattr(mmap, name))
