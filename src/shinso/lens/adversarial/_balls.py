"""How large a perturbation may be: balls around each example in two norms."""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor


class Ball(Protocol):
    """All perturbations of an example up to ``radius``; anything with these members is one."""

    @property
    def radius(self) -> float:
        """In raw units of the input."""

    def projected(self, perturbations: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The nearest perturbations inside the ball."""

    def steepest(self, gradients: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The perturbations of length 1 along which a linear function with these gradients rises most; 0 for 0."""

    def drawn(self, like: Float[Tensor, "batch ..."], generator: torch.Generator) -> Float[Tensor, "batch ..."]:
        """Perturbations drawn evenly from the ball."""


@dataclass(frozen=True)
class LInf:
    """Each value may change by up to ``radius``: 8/255 is usual for images in [0, 1]."""

    radius: float

    def __post_init__(self) -> None:
        _check_radius(self.radius)

    def projected(self, perturbations: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Each value cut off at ±``radius``."""
        return perturbations.clamp(-self.radius, self.radius)

    def steepest(self, gradients: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The signs of the gradients."""
        return gradients.sign()

    def drawn(self, like: Float[Tensor, "batch ..."], generator: torch.Generator) -> Float[Tensor, "batch ..."]:
        """Each value between ±``radius``."""
        return self.radius * (2 * torch.rand(like.shape, generator=generator, dtype=like.dtype, device=like.device) - 1)


@dataclass(frozen=True)
class L2:
    """The Euclidean length of an example's whole perturbation may be up to ``radius``: 0.5 is usual for CIFAR-10."""

    radius: float

    def __post_init__(self) -> None:
        _check_radius(self.radius)

    def projected(self, perturbations: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """Perturbations that are too long, shortened to ``radius``."""
        lengths = _lengths(perturbations)
        return perturbations * torch.where(lengths > self.radius, self.radius / lengths, 1)

    def steepest(self, gradients: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        """The gradients scaled to length 1."""
        largest = _by_example(gradients.reshape(len(gradients), -1).abs().amax(1), gradients)
        # Scaled by the largest entry first: squares of tiny gradients underflow.
        scaled = torch.where(largest > 0, gradients / largest, 0)
        return torch.where(largest > 0, scaled / _lengths(scaled), 0)

    def drawn(self, like: Float[Tensor, "batch ..."], generator: torch.Generator) -> Float[Tensor, "batch ..."]:
        """A direction drawn evenly, at a distance that fills the ball evenly."""
        direction = torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
        share = torch.rand(len(like), generator=generator, dtype=like.dtype, device=like.device)
        distance = self.radius * share ** (1 / max(1, math.prod(like.shape[1:])))
        return self.steepest(direction) * _by_example(distance, like)


def _lengths(perturbations: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    return _by_example(perturbations.reshape(len(perturbations), -1).square().sum(1).sqrt(), perturbations)


def _by_example(values: Float[Tensor, " batch"], like: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    return values.view(-1, *[1] * (like.dim() - 1))


def _check_radius(radius: float) -> None:
    if not 0 <= radius < math.inf:
        raise ValueError(f"the radius of a ball is at least 0 and finite; got {radius}")
