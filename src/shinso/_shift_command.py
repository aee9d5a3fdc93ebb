"""The command ``shinso shift``."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    import numpy as np

    from shinso.shift import Examination
    from shinso.training._shift_sample import Sample

_TABLES = ("csv", "parquet")
_WITHOUT_COLUMNS = ("digits", "images", "idx", "npz")
_COMPONENTS = 20


@dataclass(frozen=True, kw_only=True)
class ShiftFlags:
    """Did the data move, where, what will it cost, and does weighting help: a page on current against reference data.

    Both are written as --data of shinso train; a .csv, .parquet or .npz file may go without its kind. Tables may have
    text, dates and missing values; images are compared by their principal components, or by the features of the run's
    network. Of images, of arrays, and with a run at most 10,000 examples of each side are looked at.
    """

    reference: Annotated[str, tyro.conf.Positional]
    """Data as they were, with targets if there are any."""
    current: Annotated[str, tyro.conf.Positional]
    """Data as they are now; targets are not needed."""
    model: Path | None = None
    """A run: how its network will do on the current data."""
    target: str | None = None
    """The column that is predicted: it is not compared, and tells whether weighting helps. Of tables only."""
    level: float = 0.05
    """Probability of a false alarm."""
    image_size: int | None = None
    """Pixels of a side that images are resized to."""
    bad_files: Literal["fail", "skip"] = "fail"
    """What to do with images that cannot be used: stop with the list, or leave them out."""
    to: Path | None = None
    """Directory for shift.html; by default one under runs/."""
    seed: int = 0


def shift_command(arguments: list[str]) -> int:
    """Prints the page and writes it as HTML; returns the exit status."""
    flags = tyro.cli(ShiftFlags, prog="shinso shift", args=arguments)
    directory = flags.to or Path("runs") / time.strftime("%Y%m%d-%H%M%S-shift")
    _check_directory(directory)
    from shinso.data._named_source import with_kind

    reference, current = with_kind(flags.reference), with_kind(flags.current)
    found = _of_run(flags, reference, current) if flags.model is not None else _of_data(flags, reference, current)
    print(found)
    from shinso._shift_page import write_shift_page

    print(f"\nreport: {write_shift_page(found, reference, current, directory)}")
    return 0


def _check_directory(directory: Path) -> None:
    """Raises ValueError, before anything is computed, where the page cannot be written."""
    there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
    if not there.is_dir():
        raise ValueError(f"--to is a directory for shift.html, but {there} is a file: name another, or a new one")
    if not os.access(there, os.W_OK):
        raise ValueError(f"--to is a directory for shift.html, but {there} cannot be written to: name another")


def _of_run(flags: ShiftFlags, reference: str, current: str) -> "Examination":
    from shinso.shift import Predictions, examine
    from shinso.training import shift_subject

    if (flags.target, flags.image_size) != (None, None):
        raise ValueError("the run knows its own target and image size: leave out --target and --image-size")
    assert flags.model is not None
    subject = shift_subject(flags.model, reference, current, bad_files=flags.bad_files)
    before, after = subject.tables()
    predictions = Predictions(subject.reference.predictions, subject.current.predictions)
    found = examine(
        before, after, targets=subject.reference.targets, predictions=predictions, level=flags.level, seed=flags.seed
    )
    return _told(_doubted(found, subject.doubt), subject.current.places, subject.notes)


def _doubted(found: "Examination", doubt: str) -> "Examination":
    """The same, with that doubt about the cost before the others."""
    if not doubt or found.damage is None:
        return found
    predicted = found.damage.predicted
    return replace(found, damage=replace(found.damage, predicted=replace(predicted, doubts=(doubt, *predicted.doubts))))


def _told(found: "Examination", places: "np.ndarray", notes: tuple[str, ...]) -> "Examination":
    """The same with the rows' places in the source, and with notes of what was compared."""
    report = found.found
    told = replace(report, examples=places[report.examples], notes=(*dict.fromkeys(notes), *report.notes))
    return replace(found, found=told)


def _of_data(flags: ShiftFlags, reference: str, current: str) -> "Examination":
    from shinso.shift import examine

    are_tables = [source.partition(":")[0] in _TABLES for source in (reference, current)]
    if any(are_tables) and not all(are_tables):
        raise ValueError(
            f"{reference} and {current} are not of one kind: compare tables with tables, images with images"
        )
    if not all(are_tables):
        return _of_examples(flags, reference, current)
    before, after, targets = _tables(reference, current, flags.target)
    return examine(before, after, targets=targets, level=flags.level, seed=flags.seed)


def _tables(reference: str, current: str, target: str | None) -> tuple[Any, Any, Any]:
    from shinso.data import BadData, read_table

    before, after = read_table(reference), read_table(current)
    if target is None:
        alone = [name for name in before if name not in after]
        if alone and not set(after) - set(before):
            raise BadData(
                f"only {reference} has {', '.join(map(repr, alone))}; expected the same columns in {current}: name "
                "the column that is predicted with --target, and remove other ones that only one table has"
            )
        return before, after, None
    if target not in before:
        raise BadData(f"{reference} has no column {target!r}; its columns are: {', '.join(before)}")
    after.pop(target, None)
    targets = before.pop(target)
    if not before:
        raise BadData(f"{reference} has no column besides the target {target!r}: there is nothing to compare")
    missing = [value is None or value != value for value in targets]
    if any(missing):
        raise BadData(
            f"the target {target!r} is missing in {sum(missing)} rows of {reference}, first in row "
            f"{missing.index(True) + 1}: remove these rows"
        )
    return before, after, targets


def _of_examples(flags: ShiftFlags, reference: str, current: str) -> "Examination":
    """Of what is no table: images by their principal components, arrays of features by their columns."""
    from shinso.data import BadData, load_inputs
    from shinso.shift import examine
    from shinso.training._shift_sample import sample

    if flags.target is not None and reference.partition(":")[0] in _WITHOUT_COLUMNS:
        raise ValueError(f"--target names a column of a table; {reference} has no named columns: leave it out")
    sides = [
        load_inputs(source, like=reference, target=flags.target, image_size=flags.image_size, bad_files=flags.bad_files)
        for source in (reference, current)
    ]
    before, after = sides
    if before.input_shape != after.input_shape:
        raise BadData(
            f"{current} has examples of the shape {after.input_shape}, {reference} of {before.input_shape}: "
            "compare the same kind (of images, --image-size makes one size of all)"
        )
    first = sample(reference, before, before.train, flags.seed)
    second = sample(current, after, after.train, flags.seed)
    numbers = _numbers(first), _numbers(second)
    tables = _components(*numbers) if before.is_image else numbers
    found = examine(*tables, level=flags.level, seed=flags.seed)
    if found.found.moved:
        found = replace(found, not_tried="it takes a table with targets (--target COLUMN), or a run (--model RUN)")
    return _told(found, second.places.numpy(), (*first.notes, *second.notes))


def _numbers(chosen: "Sample") -> "np.ndarray":
    return chosen.split.fetch(chosen.places)[0].flatten(1).double().numpy()


def _components(before: "np.ndarray", after: "np.ndarray") -> tuple[Any, Any]:
    """Principal components of both together."""
    import numpy as np
    from sklearn.decomposition import PCA

    both = np.concatenate([before, after])
    components = min(_COMPONENTS, *both.shape)
    projection = PCA(components, svd_solver="randomized", random_state=0).fit(both)
    names = [f"component {number + 1}" for number in range(components)]
    sides = (projection.transform(side) for side in (before, after))
    return tuple(dict(zip(names, side.T, strict=True)) for side in sides)  # type: ignore[return-value]
