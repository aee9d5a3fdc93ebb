"""From what a user writes after `--data` to the source that it names."""

from collections.abc import Callable
from pathlib import Path

from shinso.data._csv import csv_table
from shinso.data._dataset import BadData
from shinso.data._idx import idx
from shinso.data._image_folder import image_folder
from shinso.data._npz import npz
from shinso.data._parquet import parquet
from shinso.data._source import Source

_KINDS = ("images", "idx", "parquet", "csv", "npz")
_OF_ARRAYS = ("idx", "csv", "npz")
_KIND_OF_SUFFIX = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".npz": "npz"}


def named_source(source: str, target: str | None, image_size: int | None) -> Source:
    """The source at `kind:path`, or the Hugging Face dataset of that name. Raises BadData for anything else."""
    kind, colon, place = source.partition(":")
    if not colon:
        return _hub(source, target, image_size)
    if kind not in _KINDS or not place:
        raise BadData(
            f"unknown data source {source!r}; expected digits, {_spellings()}, or a Hugging Face dataset's name"
        )
    path = Path(place).expanduser()
    if not path.exists():
        raise BadData(f"{source}: {path} does not exist (looked in {Path.cwd()})")
    if image_size is not None and kind in _OF_ARRAYS:
        raise BadData(f"{source}: image_size is for pictures in files; the arrays of {kind}: have their size already")
    return _readers(target, image_size)[kind](path)


def _readers(target: str | None, image_size: int | None) -> dict[str, Callable[[Path], Source]]:
    """The reader of each kind."""
    return {
        "images": lambda path: image_folder(path, image_size),
        "idx": idx,
        "parquet": lambda path: parquet(path, target, image_size),
        "csv": lambda path: csv_table(path, target),
        "npz": npz,
    }


def _hub(name: str, target: str | None, image_size: int | None) -> Source:
    if Path(name).exists():
        likely = _KIND_OF_SUFFIX.get(Path(name).suffix)
        raise BadData(f"{name!r} is a path; say what it holds: {f'{likely}:{name}' if likely else _spellings(name)}")
    from shinso.data._hub import hub_dataset

    return hub_dataset(name, target, image_size)


def _spellings(place: str | None = None) -> str:
    return ", ".join(f"{kind}:{place or ('DIR' if kind in ('images', 'idx') else 'PATH')}" for kind in _KINDS)
