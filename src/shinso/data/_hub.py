"""A Hugging Face dataset by its name, fetched by the optional package `datasets`."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from shinso.data._columns import ColumnPart, column_source
from shinso.data._dataset import BadData
from shinso.data._part_files import PART_NAMES
from shinso.data._source import Source

_ROWS = 1024


def hub_dataset(name: str, target: str | None, image_size: int | None) -> Source:
    """The splits of a dataset on the hub. Raises BadData without `datasets`, without a network, and for wrong names."""
    splits = _download(name)
    named = {split: PART_NAMES[split] for split in splits if split in PART_NAMES}
    if "train" not in named:
        raise BadData(f"{name!r} has the splits {', '.join(splits)}; expected one called train")
    parts = [
        ColumnPart(part, split, splits[split].num_rows, partial(_batches, splits[split]))
        for split, part in named.items()
    ]
    files = [Path(file["filename"]) for split in named for file in splits[split].cache_files]
    return column_source(name, files, parts, splits["train"].features.arrow_schema, target, image_size)


def _download(name: str) -> dict[str, Any]:
    """The splits by name; a script that comes with a dataset is never run."""
    try:
        import datasets
    except ImportError as error:
        raise BadData(
            f"{name!r} is taken for the name of a Hugging Face dataset, which needs the package datasets; install it "
            f"with pip install 'shinso[hub]', or say where the data are: images:DIR, parquet:PATH, ..."
        ) from error
    try:
        return dict(datasets.load_dataset(name))
    except Exception as error:  # the hub, the network and each format have errors of their own
        raise BadData(
            f"the Hugging Face dataset {name!r} cannot be loaded: {error}; check the name and the network, or say "
            f"where the data are: images:DIR, parquet:PATH, ..."
        ) from error


def _batches(split: Any, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Blocks of rows, with images that lie in files of their own read in."""
    from datasets.table import embed_table_storage

    for table in split.select_columns(list(columns)).with_format("arrow").iter(_ROWS):
        yield from embed_table_storage(table).combine_chunks().to_batches()
