"""From what a user writes after `--data` to the source that it names."""

from collections.abc import Callable
from pathlib import Path

from shinso.data._csv import csv_columns, csv_features, csv_table
from shinso.data._dataset import BadData
from shinso.data._idx import idx
from shinso.data._image_folder import image_files, image_folder
from shinso.data._npz import npz, npz_inputs
from shinso.data._parquet import parquet, parquet_features, parquet_features_of
from shinso.data._source import Source
from shinso.data._tables import check_target

_KINDS = ("images", "idx", "parquet", "csv", "npz")
_OF_ARRAYS = ("idx", "csv", "npz")
_OF_FEATURES = {"csv": csv_features, "parquet": parquet_features}
_KIND_OF_SUFFIX = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".npz": "npz"}


def named_source(source: str, target: str | None, image_size: int | None) -> Source:
    """The source at `kind:path`, or the Hugging Face dataset of that name. Raises BadData for anything else."""
    if ":" not in source:
        return _hub(source, target, image_size)
    kind, path = kind_and_path(source, image_size)
    return _readers(target, image_size)[kind](path)


def source_of_inputs(source: str, like: str, target: str | None, image_size: int | None) -> Source:
    """The source at `kind:path`, of which only the inputs are wanted: targets need not be there.

    Of a table these are the features of the table `like`, whose target is `target`. Raises BadData as `named_source`,
    and for a table that lacks one of them.
    """
    if ":" not in source:
        return _hub(source, target, image_size)
    kind, path = kind_and_path(source, image_size)
    features = features_of(like, target, image_size)
    if features is not None and kind in _OF_FEATURES:
        return _OF_FEATURES[kind](path, features)
    if kind == "npz":
        return npz_inputs(path)
    return image_files(path, image_size) if kind == "images" else _readers(target, image_size)[kind](path)


def features_of(source: str, target: str | None, image_size: int | None) -> list[str] | None:
    """The names of the features of a table; None where the source is none."""
    kind = source.partition(":")[0]
    if kind not in _OF_FEATURES:
        return None
    path = kind_and_path(source, image_size)[1]
    if kind == "parquet":
        return parquet_features_of(path, target)
    columns = csv_columns(path)
    chosen = check_target(target, columns, path)
    return [name for name in columns if name != chosen]


def kind_and_path(source: str, image_size: int | None) -> tuple[str, Path]:
    """The parts of `kind:path`. Raises BadData for an unknown kind, and a path that does not exist."""
    kind, _, place = source.partition(":")
    if kind not in _KINDS or not place:
        raise BadData(
            f"unknown data source {source!r}; expected digits, {_spellings()}, or a Hugging Face dataset's name"
        )
    path = Path(place).expanduser()
    if not path.exists():
        raise BadData(f"{source}: {path} does not exist (looked in {Path.cwd()})")
    if image_size is not None and kind in _OF_ARRAYS:
        raise BadData(f"{source}: image_size is for pictures in files; the arrays of {kind}: have their size already")
    return kind, path


def with_kind(source: str) -> str:
    """The source as `kind:path`, where a path has a suffix that tells. Raises BadData for a path that does not."""
    if ":" in source or source == "digits":
        return source
    kind = _KIND_OF_SUFFIX.get(Path(source).suffix.lower())
    if kind is not None:
        return f"{kind}:{source}"
    _refuse_path(source)
    return source


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
    _refuse_path(name)
    from shinso.data._hub import hub_dataset

    return hub_dataset(name, target, image_size)


def _refuse_path(name: str) -> None:
    if Path(name).exists():
        likely = _KIND_OF_SUFFIX.get(Path(name).suffix.lower())
        raise BadData(f"{name!r} is a path; say what it holds: {f'{likely}:{name}' if likely else _spellings(name)}")


def _spellings(place: str | None = None) -> str:
    return ", ".join(f"{kind}:{place or ('DIR' if kind in ('images', 'idx') else 'PATH')}" for kind in _KINDS)
