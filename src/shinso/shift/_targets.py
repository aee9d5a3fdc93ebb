"""The reference's targets: numbers, or classes."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

MOST_CLASSES = 20
"""Of whole numbers: more distinct ones are taken as numbers. A linear model is not tried on more classes."""


def checked_targets(targets: Any, rows: int) -> Shaped[np.ndarray, " rows"]:
    """One target a row: numbers, truth values or text. Raises ValueError for another shape and missing ones."""
    if hasattr(targets, "detach"):
        targets = targets.detach().cpu()
        targets = targets.double() if targets.is_floating_point() else targets  # NumPy knows no bfloat16
    found = np.asarray(targets)
    if found.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"there is one target for each of the {rows} reference rows; got an array of {found.shape}")
    found = found.reshape(rows)
    missing = [value is None or type(value).__name__ == "NAType" or value != value for value in found.tolist()]
    if any(missing):
        raise ValueError(
            f"every reference row has a target; {sum(missing)} are missing, the first in row "
            f"{missing.index(True) + 1}: remove these rows"
        )
    return _plain(found) if found.dtype == object else found


def _plain(objects: Shaped[np.ndarray, " rows"]) -> Shaped[np.ndarray, " rows"]:
    """Truth values, numbers or text instead of objects, which scikit-learn does not know as classes."""
    plain = np.array(objects.tolist())
    return plain if plain.dtype != object else np.array([str(value) for value in objects])


def are_numbers(targets: Shaped[np.ndarray, " rows"]) -> bool:
    """Whether each target is a number or a truth value, so that an error can be squared."""
    return targets.dtype.kind in "biuf"


def are_classes(targets: Shaped[np.ndarray, " rows"]) -> bool:
    """Whether targets are classes: text, truth values, or few distinct whole numbers."""
    if targets.dtype.kind in "iu":
        return len(np.unique(targets)) <= MOST_CLASSES
    return targets.dtype.kind != "f"
