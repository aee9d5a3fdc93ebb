"""Files that are parts of one set: `train.parquet`, `test-00000-of-00002.parquet`, `valid.csv`."""

import re
from pathlib import Path

from shinso.data._dataset import BadData
from shinso.data._source import Part

PART_NAMES: dict[str, Part] = {
    "train": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
}
"""How folders and files call the parts."""


def part_files(path: Path, suffixes: tuple[str, ...]) -> list[tuple[Part, Path]]:
    """The files at `path` (a file, or a folder of them) in order, each with the part that its name says.

    All files are training examples, to be split, when the names do not tell of a training part and another one. Raises
    BadData when there is no such file.
    """
    if not path.is_dir():
        return [("train", path)]
    files = sorted(file for file in path.iterdir() if file.suffix in suffixes and not file.name.startswith("."))
    if not files:
        raise BadData(f"{path} holds no {' or '.join(suffixes)} files")
    named = [PART_NAMES.get(re.split(r"[-_.]", file.name)[0].lower()) for file in files]
    if "train" not in named or len({*named}) == 1:
        return [("train", file) for file in files]
    if None in named:
        raise BadData(
            f"{files[named.index(None)]} does not say its part; expected a name that begins with train or test"
        )
    return [(part, file) for part, file in zip(named, files, strict=True) if part is not None]
