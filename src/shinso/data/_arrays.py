"""A set from tensors or arrays that are already in memory."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from shinso.data._assembly import assemble
from shinso.data._classes import check_classes, check_targets, class_names
from shinso.data._dataset import BadData, DataSet
from shinso.data._in_memory import InMemory
from shinso.data._splitting import split_by_target

Array = Tensor | np.ndarray
Pair = tuple[Array, Array]


def from_arrays(
    inputs: Array,
    targets: Array,
    *,
    valid: Pair | None = None,
    test: Pair | None = None,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.2,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    normalize: bool | None = None,
) -> DataSet:
    """A set of these inputs `[examples, ...]` and targets, split at random where `valid` or `test` is not given.

    Integer targets `[examples]` are classes 0..K-1; floating targets `[examples]` or `[examples, outputs]` are
    regressed. `normalize=None` normalises uint8 inputs and takes floating inputs as they are. Raises BadData for NaN or
    infinite values, labels outside 0..K-1, a class with one example, and shapes that do not fit.
    """
    train_part = _pair(inputs, targets, "training")
    given = {name: _pair(*pair, name) for name, pair in (("valid", valid), ("test", test)) if pair is not None}
    names = class_names(train_part.targets, classes)
    for name, part in {"training": train_part, **given}.items():
        _check(part, train_part, names, name)
    fractions = (0.0 if "valid" in given else valid_fraction, 0.0 if "test" in given else test_fraction)
    if names is not None:
        check_classes(train_part.targets, names, to_be_split=any(fractions))
    parts = split_by_target(train_part.targets.numpy(force=True), *fractions, seed)
    train, valid_part, test_part = (_take(train_part, part) for part in parts)
    return assemble(
        train,
        given.get("valid", valid_part),
        given.get("test", test_part),
        classes=names,
        normalize=train.inputs.dtype == torch.uint8 if normalize is None else normalize,
        seed=seed,
        source="python",
    )


def as_tensor(values: object) -> Tensor:
    """The values as a tensor, those of a data frame too; a read-only array, which torch would not take, is copied.

    Raises BadData for values that are no numbers.
    """
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if not isinstance(values, np.ndarray):
        return torch.as_tensor(values)
    if values.dtype.kind not in "biuf":
        held = f"{values.dtype} such as {values.flat[0]!r}" if values.size else str(values.dtype)
        raise BadData(
            f"arrays and data frames hold numbers here; got {held}: number the classes (sklearn's LabelEncoder) and "
            "columns of text (OrdinalEncoder), or write the table to a file, of which columns are read by kind"
        )
    return torch.as_tensor(np.require(values, requirements="W"))


def _pair(inputs: Array, targets: Array, name: str) -> InMemory:
    """Both as tensors of the types that training uses."""
    inputs, targets = as_tensor(inputs), as_tensor(targets)
    if len(inputs) != len(targets):
        raise BadData(f"{name} inputs and targets differ in length: {len(inputs)} and {len(targets)}")
    if inputs.ndim == 1:
        raise BadData(f"{name} inputs have shape {tuple(inputs.shape)}; expected [examples, features] or more axes")
    if inputs.dtype not in (torch.uint8, torch.int64):  # int64 stays: tokens
        inputs = inputs.float()
    if targets.is_floating_point():
        return InMemory(inputs.contiguous(), targets.float().reshape(len(targets), -1))
    return InMemory(inputs.contiguous(), targets.long())


def _check(part: InMemory, like: InMemory, names: tuple[str, ...] | None, name: str) -> None:
    if part.inputs.shape[1:] != like.inputs.shape[1:] or part.inputs.dtype != like.inputs.dtype:
        raise BadData(
            f"{name} inputs are {part.inputs.dtype} {tuple(part.inputs.shape[1:])}; "
            f"expected {like.inputs.dtype} {tuple(like.inputs.shape[1:])} as in the training part"
        )
    _check_finite(part.inputs, f"{name} inputs")
    _check_finite(part.targets, f"{name} targets")
    check_targets(part.targets, like.targets, names, name)


def _check_finite(values: Shaped[Tensor, "examples *shape"], name: str) -> None:
    if not values.is_floating_point():
        return
    bad = torch.nonzero(~values.flatten(1).isfinite().all(1)).flatten()
    if len(bad):
        raise BadData(
            f"{name} hold NaN or infinite values in {len(bad)} examples (first: {bad[:20].tolist()}); "
            f"remove or fill them"
        )


def _take(part: InMemory, index: np.ndarray) -> InMemory:
    return InMemory(*part.fetch(torch.from_numpy(index)))
