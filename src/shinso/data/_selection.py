"""Which examples of a pack are used: one size, classes that have examples; and a list of all that are not."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from shinso.data._dataset import BadData, LeftOut
from shinso.data._pack import Pack
from shinso.data._source import PARTS

_LISTED = 20


@dataclass(frozen=True)
class Selection:
    """The usable rows of a pack, in order, with what is known of them."""

    rows: Int[np.ndarray, " examples"]
    targets: np.ndarray
    parts: Int[np.ndarray, " examples"]
    """Position in `PARTS` of the part that each example was given to."""
    classes: tuple[str, ...] | None
    shape: tuple[int, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def select(pack: Pack, name: str) -> Selection:
    """Leaves out what cannot be used. Raises BadData when nothing usable is left."""
    if len(pack) == 0:
        raise BadData(f"{name} holds no usable example{_listed(pack.about.left_out)}")
    shape, sized, left_out = _of_one_size(pack)
    rows, targets, parts = np.flatnonzero(sized), pack.targets()[sized], pack.parts()[sized]
    classes = None if pack.about.classes is None else tuple(pack.about.classes)
    if classes is not None:
        present = np.bincount(targets[parts == PARTS.index("train")], minlength=len(classes)) > 0
        left_out += _without_class(pack, rows[~present[targets]])
        left_out += [
            LeftOut(f"class {classes[label]!r}", "has no training examples") for label in np.flatnonzero(~present)
        ]
        kept = present[targets]
        rows, targets, parts = rows[kept], (np.cumsum(present) - 1)[targets[kept]], parts[kept]
        classes = tuple(label for label, used in zip(classes, present, strict=True) if used)
    return Selection(rows, targets, parts, classes, shape, (*pack.about.left_out, *left_out), _notes(pack))


def refuse_bad(pack: Pack, selection: Selection, name: str) -> None:
    """Raises BadData with the list of what `select` left out, if there is anything."""
    if len(pack.about.sizes) > 1:
        raise BadData(
            f"{name} holds images of {len(pack.about.sizes)} sizes ({_sizes(pack.about.sizes)}); resize them all with "
            f"--image-size, or keep only those of the most frequent size with --bad-files skip"
        )
    if selection.left_out:
        count = len(selection.left_out)
        raise BadData(
            f"{name} holds {count} example{'s' * (count > 1)} that cannot be used; repair or remove what is listed, or "
            f"leave it out with --bad-files skip{_listed(selection.left_out)}"
        )


def _of_one_size(pack: Pack) -> tuple[tuple[int, ...], Bool[np.ndarray, " rows"], list[LeftOut]]:
    """The shape of an example, which rows have it, and those that do not."""
    about = pack.about
    if about.shape is not None:
        return tuple(about.shape), np.ones(len(pack), dtype=bool), []
    size = about.sizes.most_common(1)[0][0]
    height, width = map(int, size.split("x"))
    has_size = pack.size_is(size)
    others = np.flatnonzero(~has_size).tolist()
    reason = f"is of another size than {size} (height x width); resize with --image-size"
    return (max(about.channels), height, width), has_size, [LeftOut(pack.where(row), reason) for row in others]


def _without_class(pack: Pack, rows: Int[np.ndarray, " rows"]) -> list[LeftOut]:
    return [LeftOut(pack.where(row), "is of a class without training examples") for row in rows.tolist()]


def _notes(pack: Pack) -> tuple[str, ...]:
    channels = pack.about.channels
    if len(channels) < 2:
        return ()
    return (f"{channels[1]} grayscale images were made RGB, as the other {channels[3]} are",)


def _sizes(sizes: Counter[str]) -> str:
    shown = ", ".join(f"{count} of {size}" for size, count in sizes.most_common(10))
    return f"{shown}, ..." if len(sizes) > 10 else shown


def _listed(left_out: tuple[LeftOut, ...] | list[LeftOut]) -> str:
    """The first of them, one a line, and how many more there are."""
    lines = [f"\n  {entry}" for entry in left_out[:_LISTED]]
    if len(left_out) > _LISTED:
        lines.append(f"\n  ... and {len(left_out) - _LISTED} more")
    return (":" if lines else "") + "".join(lines)
