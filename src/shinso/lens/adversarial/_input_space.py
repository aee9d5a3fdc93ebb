"""Which inputs exist: the range of raw data, and how it was standardised for the model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_ROUNDING = 1e-3
"""Of the range: inputs this far outside are so by rounding."""


@dataclass(frozen=True)
class InputSpace:
    """Raw values lie between ``low`` and ``high``; the model is given (raw − ``mean``) / ``std``.

    Attacks measure perturbations and keep to the range in raw units, whatever the model is given. ``mean`` and ``std``
    are numbers, or one number for each channel (axis 1): those with which the data were standardised.

    >>> cifar = InputSpace(low=0, high=1, mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616))
    >>> digits = InputSpace(low=0, high=1)
    """

    low: float
    high: float
    mean: float | Sequence[float] = 0.0
    std: float | Sequence[float] = 1.0

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if not isinstance(values, int | float | Sequence):
                raise TypeError(
                    f"the {name} is a number, or a sequence of one for each channel; got {type(values).__name__}: give "
                    f"its values, {name}.tolist()"
                )
        if not self.low < self.high:
            raise ValueError(f"the range of raw values goes from low up to high; got low={self.low}, high={self.high}")
        spreads = self.std if isinstance(self.std, Sequence) else [self.std]
        if not all(spread > 0 and math.isfinite(spread) for spread in spreads):
            raise ValueError(f"std is what the data were divided by, positive and finite; got {self.std}")

    def raw(self, inputs: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """The inputs in raw units."""
        return inputs * _by_channel(self.std, inputs) + _by_channel(self.mean, inputs)

    def scale(self, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "..."]:
        """Raw units per unit of the inputs, to be broadcast to them."""
        return _by_channel(self.std, inputs)

    def bounds(self, inputs: Float[Tensor, "batch ..."]) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."]]:
        """The least and greatest value that the model can be given, to be broadcast to the inputs.

        Raises ValueError for inputs that lie outside by more than rounding.
        """
        mean, std = _by_channel(self.mean, inputs), self.scale(inputs)
        low, high = (self.low - mean) / std, (self.high - mean) / std
        allowed = _ROUNDING * (high - low)
        if inputs.isnan().any() or (inputs < low - allowed).any() or (inputs > high + allowed).any():
            raw = self.raw(inputs)
            raise ValueError(
                f"the inputs lie between {raw.min():.4g} and {raw.max():.4g} in raw units, outside of the range from "
                f"{self.low:g} to {self.high:g}: give the mean and std by which they were standardised, "
                "InputSpace(low, high, mean, std)"
            )
        return low, high


def unbounded() -> InputSpace:
    """The space of all real numbers, perturbations measured as the model is given them.

    For data without a range; for images it allows what no image can be, so that accuracies are lower than need be.
    """
    return InputSpace(-math.inf, math.inf)


def _by_channel(values: float | Sequence[float], inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "..."]:
    if not isinstance(values, Sequence):
        return torch.tensor(values, dtype=inputs.dtype, device=inputs.device)
    channels = inputs.shape[1] if inputs.dim() > 1 else 0
    if len(values) != channels:
        raise ValueError(
            f"the mean and std have one number for each channel; got {len(values)} for inputs of shape "
            f"{tuple(inputs.shape)}, which have {channels} channels on axis 1"
        )
    by_channel = torch.tensor(values, dtype=inputs.dtype, device=inputs.device)
    return by_channel.view(-1, *[1] * (inputs.dim() - 2))
