"""From whatever a user calls data to batches, validation and test examples."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast

import torch
from torch import Tensor

from shinso import data as d
from shinso.data._arrays import as_tensor
from shinso.recipe import Recipe
from shinso.training._augment import ImageChanges
from shinso.training._batches import Batches, IndexedBatches, IterableBatches
from shinso.training._evaluation import Examples, IndexedExamples, IterableExamples
from shinso.training._processes import Processes

if TYPE_CHECKING:
    from shinso.training._shift_weights import ShiftWeights

Data = Any
"""A source's name, a ``DataSet``, a pair of arrays, a pair of pairs (training, test), a torch ``Dataset``, an
iterable of batches, or a
mapping with ``train`` and perhaps ``valid`` and ``test`` of iterables of batches."""


_ITERABLE = "iterable of batches"
FROM_PYTHON = ("python", _ITERABLE)
"""How the summaries of data that were passed from Python name their source."""


@dataclass(frozen=True)
class Prepare:
    """Raw examples as the network takes them: float, normalised, images channels last in memory."""

    mean: Tensor
    std: Tensor
    channels_last: bool
    is_identity: bool

    @classmethod
    def like(cls, data: d.DataSet, device: torch.device, channels_last: bool) -> "Prepare":
        """The preparation that a set's statistics ask for."""
        # Asked once here, so that no batch waits for the device to answer.
        is_identity = bool((data.mean == 0).all() and (data.std == 1).all())
        return cls(data.mean.to(device), data.std.to(device), channels_last and data.is_image, is_identity)

    def __call__(self, raw: Tensor) -> Tensor:
        if raw.dtype == torch.uint8:
            raw = raw.float()
        if not self.is_identity:
            raw = (raw - self.mean).div_(self.std)
        return raw.contiguous(memory_format=torch.channels_last) if self.channels_last else raw


@dataclass(frozen=True)
class Sources:
    """Where one training's examples come from."""

    batches: Batches
    valid: Examples | None
    test: Examples | None
    summary: Mapping[str, Any]
    sample: Examples | None = None
    """Two training examples, to see whether a network takes them; None where looking would use them up."""


def as_data_set(data: Data, recipe: Recipe) -> d.DataSet | None:
    """The set that ``data`` means; None for iterables of batches, which are not sets."""
    if data is None:
        return load_data(recipe)
    shares = _shares(recipe)
    match data:
        case d.DataSet():
            return data
        case ((inputs, targets), test) if isinstance(data, tuple):
            return d.from_arrays(inputs, targets, test=test, **shares)
        case (inputs, targets) if isinstance(data, tuple) and _is_array(inputs):
            return d.from_arrays(inputs, targets, **shares)
        case torch.utils.data.Dataset() if not isinstance(data, torch.utils.data.IterableDataset):
            return d.from_dataset(cast(Any, data), **shares)
    return None


def load_data(recipe: Recipe) -> d.DataSet:
    """The set that the recipe names, divided as it says; raises ValueError for bad data, as ``shinso.data.load``."""
    return d.load(
        recipe.data,
        target=recipe.target,
        bad_files=recipe.bad_files,
        image_size=recipe.image_size,
        memory_limit=int(recipe.memory_limit_gib * 2**30),
        **_shares(recipe),
    )


def _shares(recipe: Recipe) -> "_Shares":
    split = recipe.split
    seed = recipe.seed if split.seed is None else split.seed
    return _Shares(valid_fraction=split.valid, test_fraction=split.test, seed=seed)


class _Shares(TypedDict):
    valid_fraction: float
    test_fraction: float
    seed: int


def shifted_examples(recipe: Recipe, data: d.DataSet, given: Data) -> d.Split | None:
    """The examples that the training is for, if they are of another kind than those to train on."""
    if given is not None:
        inputs = as_tensor(given)
        return d.InMemory(inputs, torch.zeros(len(inputs), dtype=torch.int64))
    if recipe.shift_to is None:
        return None
    return d.load_inputs(
        recipe.shift_to,
        like=recipe.data,
        target=recipe.target,
        bad_files=recipe.bad_files,
        image_size=recipe.image_size,
        memory_limit=int(recipe.memory_limit_gib * 2**30),
    ).train


def from_set(
    data: d.DataSet, recipe: Recipe, processes: Processes, *, channels_last: bool, shifted: d.Split | None = None
) -> Sources:
    """Batches and examples of a set, weighted towards the shifted examples if there are any."""
    device = processes.device
    prepare = Prepare.like(data, device, channels_last)
    if len(data.train) < processes.count:
        raise ValueError(f"{len(data.train)} training examples cannot be divided over {processes.count} processes")
    if recipe.batch_size % (processes.count * recipe.accumulate):
        raise ValueError(
            f"batch_size {recipe.batch_size} cannot be divided over {processes.count} processes "
            f"in {recipe.accumulate} pieces"
        )
    weights = None if shifted is None else _weights(data, shifted, recipe)
    train = data.train.to(device)
    batches = IndexedBatches(
        train,
        recipe.batch_size,
        recipe.seed,
        prepare,
        image_changes(recipe, data),
        mixup_alpha(recipe, data),
        processes.rank,
        processes.count,
        None if weights is None else weights.train.to(device),
    )
    of_valid, of_test = (None, None) if weights is None else (weights.valid.to(device), weights.test.to(device))
    valid = _examples(data.valid.to(device), recipe, prepare, of_valid)
    test = _examples(data.test.to(device), recipe, prepare, of_test)
    summary = data.summary() | ({} if weights is None else {"shift": weights.summary})
    return Sources(batches, valid, test, summary, IndexedExamples(train, 2, prepare))


def _weights(data: d.DataSet, shifted: d.Split, recipe: Recipe) -> "ShiftWeights":
    from shinso.training._shift_weights import shift_weights  # scikit-learn comes in with it

    return shift_weights(data, shifted, recipe.shift_to or "python", recipe.shift_exponent, recipe.seed)


def from_iterables(data: Data, processes: Processes) -> Sources:
    """Batches and examples of iterables that yield (inputs, targets)."""
    parts = dict(data) if isinstance(data, Mapping) else {"train": data}
    unknown = set(parts) - {"train", "valid", "test"}
    if unknown or not isinstance(parts.get("train"), Iterable):
        raise ValueError(
            f"cannot train on a {type(data).__name__}{f' with {sorted(unknown)}' if unknown else ''}; expected a "
            f"source's name, (inputs, targets), ((inputs, targets), (test inputs, test targets)), a torch Dataset, an "
            f"iterable of (inputs, targets) batches, or a mapping of such iterables with the keys train, valid and test"
        )
    if processes.count > 1:
        raise ValueError(
            "an iterable of batches cannot be divided over processes: pass arrays, a Dataset, or a source's name"
        )
    valid, test = (IterableExamples(parts[part]) if part in parts else None for part in ("valid", "test"))
    return Sources(IterableBatches(parts["train"], processes.device), valid, test, {"source": _ITERABLE})


def image_changes(recipe: Recipe, data: d.DataSet) -> ImageChanges | None:
    """The augmentation a recipe asks for, its defaults filled in for these images; None when nothing is to change."""
    wanted = recipe.augment
    if not data.is_image:
        if wanted.crop or wanted.flip or wanted.warp:
            raise ValueError(
                f"augment.crop, flip and warp are for images; an example here has shape {data.input_shape}"
            )
        return None
    channels, height, width = data.input_shape
    is_colour = channels == 3
    crop = (min(height, width) // 8 if is_colour else 0) if wanted.crop is None else wanted.crop
    if not 0 <= crop < min(height, width):
        raise ValueError(f"augment.crop must be smaller than the images ({height}×{width} pixels); got {crop}")
    flip = is_colour if wanted.flip is None else wanted.flip
    warp = (0.0 if is_colour else 1.0) if wanted.warp is None else wanted.warp
    return ImageChanges(crop, flip, warp) if crop or flip or warp else None


def mixup_alpha(recipe: Recipe, data: d.DataSet) -> float:
    """The α of mixup: what the recipe says, or 0.2 for grey images of classes.

    On scikit-learn's digits that is worth half a point (0.989 without, 0.994 with; means of five seeds).
    """
    if recipe.augment.mixup is not None:
        return recipe.augment.mixup
    is_grey = data.is_image and data.input_shape[0] == 1
    return 0.2 if is_grey and data.classes is not None else 0.0


def _examples(
    split: d.Split, recipe: Recipe, prepare: Callable[[Tensor], Tensor], weights: Tensor | None
) -> Examples | None:
    # Nothing is kept for a backward pass: larger batches than in training are faster and fit.
    return IndexedExamples(split, max(recipe.batch_size, 256), prepare, weights) if len(split) else None


def _is_array(value: Any) -> bool:
    import numpy as np

    return isinstance(value, Tensor | np.ndarray) or hasattr(value, "to_numpy")
