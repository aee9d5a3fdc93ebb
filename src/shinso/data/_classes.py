"""What labels must be before a network can learn them."""

from collections.abc import Sequence

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from shinso.data._dataset import BadData


def class_names(targets: Shaped[Tensor, "..."], classes: Sequence[str] | None) -> tuple[str, ...] | None:
    """The given names, else the numbers of the labels; None when the targets are quantities."""
    if targets.is_floating_point():
        if classes is not None:
            raise BadData(
                f"classes {tuple(classes)} given, but the targets are {targets.dtype}; expected integer labels"
            )
        return None
    if classes is not None:
        return tuple(classes)
    return tuple(str(label) for label in range(int(targets.max()) + 1)) if len(targets) else ()


def check_targets(
    targets: Shaped[Tensor, "..."], training: Shaped[Tensor, "..."], classes: Sequence[str] | None, name: str
) -> None:
    """Raises BadData for targets of another kind than in training, and for labels that are no class's number."""
    if targets.shape[1:] != training.shape[1:] or targets.dtype != training.dtype:
        raise BadData(
            f"{name} targets are {targets.dtype} {tuple(targets.shape[1:])}; expected {training.dtype} "
            f"{tuple(training.shape[1:])} as in the training part"
        )
    if classes is not None:
        _check_labels(targets, classes, f"{name} label")


def _check_labels(targets: Shaped[Tensor, "examples *axes"], classes: Sequence[str], name: str) -> None:
    if targets.ndim != 1:
        raise BadData(f"{name}s have shape {tuple(targets.shape)}; expected [examples]")
    outside = torch.nonzero((targets < 0) | (targets >= len(classes))).flatten()
    if len(outside):
        raise BadData(
            f"{name} {int(targets[outside[0]])} of example {int(outside[0])} is outside 0..{len(classes) - 1} "
            f"({len(outside)} such labels); number the classes from 0"
        )


def check_classes(targets: Int[Tensor, " examples"], classes: Sequence[str], *, to_be_split: bool) -> None:
    """Raises BadData for a class without training examples, or with a single one when the examples are to be split."""
    if empty := classes_of_size(0, targets, classes):
        raise BadData(f"no training example is of class {name_list(empty)}; number the classes from 0 without gaps")
    if to_be_split and (alone := classes_of_size(1, targets, classes)):
        raise BadData(
            f"a single example is of class {name_list(alone)}; expected at least two, so that one can go to another "
            f"part: add examples, or give the other parts yourself"
        )


def classes_of_size(size: int, targets: Int[Tensor, " examples"], classes: Sequence[str]) -> list[str]:
    """The names of the classes that have just so many examples."""
    counts = torch.bincount(targets, minlength=len(classes)).tolist()
    return [name for name, count in zip(classes, counts, strict=True) if count == size]


def name_list(names: Sequence[str]) -> str:
    """The first of these names in quotes."""
    return ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
