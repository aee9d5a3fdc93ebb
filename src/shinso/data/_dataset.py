"""The contract between data and everything above it: a `Split` is addressed by index, a `DataSet` is three of them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor


class BadData(ValueError):
    """Raised before training starts when a source holds examples (or a layout) that cannot be trained on."""


@dataclass(frozen=True)
class LeftOut:
    """One example that was left out: where it is (a file, a row, a class) and the reason."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@runtime_checkable
class Split(Protocol):
    """The examples of one part of a set, addressable by index; what the training loop needs and nothing more."""

    def __len__(self) -> int: ...

    @property
    def targets(self) -> Shaped[Tensor, "examples *outputs"]:
        """All targets: int64 [examples] (classification) or float32 [examples, outputs] (regression)."""
        ...

    def fetch(
        self, index: Int[Tensor, " batch"]
    ) -> tuple[Shaped[Tensor, "batch *input"], Shaped[Tensor, "batch *outputs"]]:
        """The raw inputs (images: uint8 or float32, NCHW) and targets of these examples, on the split's device."""
        ...

    def to(self, device: torch.device | str) -> Self:
        """The same examples, fetched onto `device`."""
        ...


@dataclass(frozen=True, eq=False)
class DataSet:
    """Training, validation and test examples with what a network and a report have to know about them.

    `mean` and `std` are per channel (images, `[channels, 1, 1]`) or per feature (tables), float32, in raw units (0..255
    for uint8 images), measured on the training part only; zeros and ones where nothing is to be normalised.
    """

    train: Split
    valid: Split
    test: Split
    classes: tuple[str, ...] | None
    """Names of the classes; None for regression."""
    input_shape: tuple[int, ...]
    """Shape of one example, e.g. `(3, 32, 32)` or `(13,)`."""
    mean: Float[Tensor, "*input"]
    std: Float[Tensor, "*input"]
    target_mean: Float[Tensor, " outputs"] | None
    """Mean of the training targets (regression only)."""
    target_std: Float[Tensor, " outputs"] | None
    left_out: tuple[LeftOut, ...]
    source: str
    """Where the examples come from: `digits`, `images:DIR`, `python`, ..."""
    notes: tuple[str, ...] = ()
    """What a reader did that a user should know, e.g. that grayscale images were converted to colour."""

    @property
    def is_image(self) -> bool:
        """Whether one example is an image (channels, height, width)."""
        return len(self.input_shape) == 3

    def summary(self) -> dict[str, Any]:
        """What the set holds, for JSON: source, counts by part and class, shape, statistics, what was left out."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {
            "source": self.source,
            "storage": type(self.train).__name__,
            "input_shape": list(self.input_shape),
            "classes": None if self.classes is None else list(self.classes),
            "examples": {name: len(part) for name, part in parts.items()},
            "examples_by_class": self._counts_by_class(parts),
            "mean": self.mean.flatten().tolist(),
            "std": self.std.flatten().tolist(),
            "target_mean": None if self.target_mean is None else self.target_mean.tolist(),
            "target_std": None if self.target_std is None else self.target_std.tolist(),
            "left_out": {"count": len(self.left_out), "examples": [vars(entry) for entry in self.left_out]},
            "notes": list(self.notes),
        }

    def _counts_by_class(self, parts: dict[str, Split]) -> dict[str, dict[str, int]] | None:
        if self.classes is None:
            return None
        counts = {name: Counter(part.targets.flatten().tolist()) for name, part in parts.items()}
        return {
            name: {label: count[number] for number, label in enumerate(self.classes)} for name, count in counts.items()
        }
