"""A table as it is written: columns of numbers, dates and text, with what is missing."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from shinso.data._csv import delimiter
from shinso.data._dataset import BadData
from shinso.data._named_source import kind_and_path
from shinso.data._part_files import part_files
from shinso.data._tables import check_unique

_SUFFIXES = {"csv": (".csv", ".tsv"), "parquet": (".parquet",)}


def read_table(source: str) -> dict[str, np.ndarray]:
    """The columns of `csv:PATH` or `parquet:PATH` by name: float64 (NaN where missing), dates, or objects (None).

    What a column of a CSV file holds is told from all of its values. Raises BadData for a file that cannot be read, is
    no table, or has columns of the same name.
    """
    kind, path = kind_and_path(source, None)
    if kind not in _SUFFIXES:
        raise BadData(f"{source} is no table; expected csv:PATH or parquet:PATH")
    tables = {file: _read(kind, file) for _, file in part_files(path, _SUFFIXES[kind])}
    for file, table in tables.items():
        check_unique(table.column_names, file)
    try:
        whole = pa.concat_tables(tables.values(), promote_options="permissive")
    except pa.ArrowException as error:
        raise BadData(f"the files of {path} have columns that do not fit together: {error}") from error
    return {name: _as_array(whole.column(name)) for name in whole.column_names}


def _read(kind: str, file: Path) -> pa.Table:
    try:
        if kind == "parquet":
            return pq.read_table(file)
        options = pa_csv.ParseOptions(delimiter=delimiter(file), newlines_in_values=True)
        # One block: what a column holds is not to be decided over its first megabyte.
        whole = pa_csv.ReadOptions(block_size=max(file.stat().st_size, 1) + 1)
        convert = pa_csv.ConvertOptions(strings_can_be_null=True)
        return pa_csv.read_csv(file, read_options=whole, parse_options=options, convert_options=convert)
    except (pa.ArrowException, OSError) as error:
        raise BadData(f"{file} cannot be read as a table: {error}") from error


def _as_array(column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(column, pa.float64(), safe=False)
        return np.asarray(pc.fill_null(numbers, float("nan")).to_numpy(), dtype=np.float64)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        # In nanoseconds the year 9999, which stands for "open" in many tables, would be 1816.
        return np.asarray(pc.cast(column, pa.timestamp("us"), safe=False).to_numpy(), dtype="datetime64[us]")
    return np.array([None if value is None else value for value in column.to_pylist()], dtype=object)
