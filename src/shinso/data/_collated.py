"""A set from a torch `Dataset`: any object with a length that gives (input, target) by position."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from shinso.data._arrays import as_tensor
from shinso.data._assembly import assemble
from shinso.data._classes import check_classes, check_targets, class_names
from shinso.data._dataset import BadData, DataSet
from shinso.data._splitting import split_by_target


class Examples(Protocol):
    """A map-style dataset."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any:
        """An input (tensor, array, number or Pillow image) and its target."""
        ...


@dataclass(frozen=True, eq=False)
class Collated:
    """A `Split` of examples that their dataset makes anew each time they are fetched."""

    dataset: Any
    positions: Int[Tensor, " examples"]
    targets: Shaped[Tensor, "examples *outputs"]

    def __len__(self) -> int:
        return len(self.positions)

    def fetch(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Shaped[Tensor, "batch *input"], Shaped[Tensor, "batch *outputs"]]:
        """The inputs, stacked, and targets of these examples, on the device of the split."""
        device = self.targets.device
        inputs = [_input(self.dataset[position][0]) for position in self.positions[index.cpu()].tolist()]
        stacked = torch.stack(inputs) if inputs else self._no_inputs()
        return stacked.to(device, non_blocking=True), self.targets.index_select(0, index.to(device))

    def to(self, device: torch.device | str) -> "Collated":
        """The same examples, fetched onto `device`."""
        return Collated(self.dataset, self.positions, self.targets.to(device))

    def _no_inputs(self) -> Tensor:
        return torch.stack([_input(self.dataset[0][0])])[:0]


def from_dataset(
    dataset: Examples,
    *,
    valid: Examples | None = None,
    test: Examples | None = None,
    valid_fraction: float = 0.1,
    test_fraction: float = 0.2,
    seed: int = 0,
    classes: Sequence[str] | None = None,
    normalize: bool | None = None,
) -> DataSet:
    """A set of a torch `Dataset`'s examples (input, target), split at random where `valid` or `test` is not given.

    Each example is looked at once, for its target and its checks, and made anew by the dataset whenever it is fetched.
    Targets and `normalize` are as in `from_arrays`. Raises BadData as `from_arrays` does, and for examples of several
    shapes.
    """
    datasets = {"training": dataset, "valid": valid, "test": test}
    given = {name: _collate(part, name, dataset) for name, part in datasets.items() if part is not None}
    train = given["training"]
    names = class_names(train.targets, classes)
    fractions = (0.0 if "valid" in given else valid_fraction, 0.0 if "test" in given else test_fraction)
    for name, part in given.items():
        check_targets(part.targets, train.targets, names, name)
    if names is not None:
        check_classes(train.targets, names, to_be_split=any(fractions))
    parts = split_by_target(train.targets.numpy(), *fractions, seed)
    pieces = [Collated(dataset, torch.from_numpy(part), train.targets[torch.from_numpy(part)]) for part in parts]
    is_bytes = _kind(dataset)[1] == torch.uint8
    return assemble(
        pieces[0],
        given.get("valid", pieces[1]),
        given.get("test", pieces[2]),
        classes=names,
        normalize=is_bytes if normalize is None else normalize,
        seed=seed,
        source="python",
    )


def _kind(dataset: Examples) -> tuple[tuple[int, ...], torch.dtype]:
    """Shape and type of the first input."""
    first, _ = _pair(dataset, 0, "training")
    return tuple(first.shape), first.dtype


def _collate(dataset: Examples, name: str, training: Examples) -> Collated:
    """All of a dataset, each example checked."""
    if len(dataset) == 0:
        raise BadData(f"the {name} dataset is empty; expected at least one example")
    shape, dtype = _kind(training)
    targets = []
    for position in range(len(dataset)):
        input, target = _pair(dataset, position, name)
        if tuple(input.shape) != shape or input.dtype != dtype:
            raise BadData(
                f"{name} example {position} is {input.dtype} {tuple(input.shape)}; expected {dtype} {shape}, "
                f"as the first training example is"
            )
        if not input.isfinite().all() or not target.isfinite().all():
            raise BadData(f"{name} example {position} holds NaN or infinite values; remove or fill them")
        targets.append(target)
    stacked = torch.stack(targets)
    stacked = stacked.reshape(len(targets), -1).float() if stacked.is_floating_point() else stacked.long()
    return Collated(dataset, torch.arange(len(targets)), stacked)


def _pair(dataset: Examples, position: int, name: str) -> tuple[Tensor, Tensor]:
    example = dataset[position]
    if not isinstance(example, tuple | list) or len(example) != 2:
        raise BadData(f"{name} example {position} is a {type(example).__name__}; expected a pair (input, target)")
    return _input(example[0]), as_tensor(example[1])


def _input(value: Any) -> Tensor:
    """A tensor of the type that training uses; Pillow images become uint8 with channels first."""
    if hasattr(value, "getbands"):
        pixels = np.asarray(value).reshape(value.height, value.width, -1)
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    tensor = as_tensor(value)
    return tensor if tensor.dtype in (torch.uint8, torch.int64) else tensor.float()
