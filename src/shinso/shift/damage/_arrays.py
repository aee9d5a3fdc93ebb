"""Arrays as they are needed here, checked once: losses, weights, probabilities, labels, a level."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

_ROUNDING = 0.01


def as_floats(values: ArrayLike, name: str) -> Float[np.ndarray, "..."]:
    """The values as float64; tensors are detached. Raises ValueError where one is missing or infinite, or none is."""
    detach = getattr(values, "detach", None)
    # NumPy knows no bfloat16.
    array = np.asarray(detach().cpu().double() if detach else values, dtype=np.float64)
    if not array.size:
        raise ValueError(f"{name} is empty: at least one row is needed")
    wrong = np.flatnonzero(~np.isfinite(array.ravel()))
    if wrong.size:
        raise ValueError(
            f"{name} has {wrong.size} values that are missing or infinite, the first {array.ravel()[wrong[0]]}: "
            "drop those rows, or find out why the model gave them"
        )
    return array


def as_losses(values: ArrayLike, name: str = "losses") -> Float[np.ndarray, " rows"]:
    """One finite number a row, at least two rows."""
    losses = as_floats(values, name)
    if losses.ndim != 1 or len(losses) < 2:
        raise ValueError(f"{name} must be one number a row, for at least 2 rows; got shape {losses.shape}")
    return losses


def as_weights(values: ArrayLike, rows: int) -> Float[np.ndarray, " rows"]:
    """One weight a row, none negative, not all zero."""
    weights = as_floats(values, "weights")
    if weights.shape != (rows,):
        raise ValueError(f"weights must be one a reference row, shape ({rows},); got shape {weights.shape}")
    if weights.min() < 0 or weights.max() == 0:
        raise ValueError(
            f"weights must be density ratios, 0 or more and not all 0; they lie in [{weights.min():g}, "
            f"{weights.max():g}]: estimate them with a method that keeps them positive, or clip them"
        )
    return weights


def as_probabilities(values: ArrayLike, name: str) -> Float[np.ndarray, "rows classes"]:
    """One probability a row and class; the rows sum to 1, up to the rounding of half precision."""
    probabilities = as_floats(values, name)
    if probabilities.ndim != 2 or probabilities.shape[1] < 2:
        raise ValueError(
            f"{name} must have a column for each of at least 2 classes; got shape {probabilities.shape}: with one "
            "probability a row, stack 1 - p and p"
        )
    sums = probabilities.sum(axis=1)
    if probabilities.min() < 0 or np.abs(sums - 1).max() > _ROUNDING:
        raise ValueError(
            f"{name} must be probabilities that sum to 1 in each row; the smallest entry is {probabilities.min():g}, "
            f"sums lie in [{sums.min():g}, {sums.max():g}]: give softmax outputs, not logits"
        )
    return probabilities


def as_labels(values: ArrayLike, rows: int, classes: int, name: str) -> Int[np.ndarray, " rows"]:
    """The column of each row's class."""
    labels = as_floats(values, name)
    if labels.shape != (rows,):
        raise ValueError(f"{name} must be one a row, shape ({rows},); got shape {labels.shape}")
    if (labels != labels.round()).any() or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{name} must be columns of the probabilities, whole numbers from 0 to {classes - 1}; they lie in "
            f"[{labels.min():g}, {labels.max():g}]: give each class's column, not its name"
        )
    return labels.astype(np.int64)


def as_predictions(
    source_probabilities: ArrayLike, source_labels: ArrayLike, target_probabilities: ArrayLike
) -> tuple[Float[np.ndarray, "rows classes"], Int[np.ndarray, " rows"], Float[np.ndarray, "rows2 classes"]]:
    """The reference's probabilities and labels, and the current rows' probabilities of the same classes."""
    source = as_probabilities(source_probabilities, "source_probabilities")
    target = as_probabilities(target_probabilities, "target_probabilities")
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"the reference has {source.shape[1]} classes and the current data {target.shape[1]}: both must be the "
            "same model's probabilities, in the same columns"
        )
    return source, as_labels(source_labels, len(source), source.shape[1], "source_labels"), target


def check_level(level: float) -> None:
    """Raises ValueError for a level that no interval has."""
    if not 0.5 <= level < 1:
        raise ValueError(f"level must be at least 0.5 and below 1, such as 0.9; got {level:g}")


def check_rows(current_rows: int | None) -> None:
    """Raises ValueError for a number of current rows below 1."""
    if current_rows is not None and current_rows < 1:
        raise ValueError(f"current_rows must be at least 1, or None for the population; got {current_rows}")
