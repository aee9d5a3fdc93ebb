"""Mean and standard deviation of a part, batch by batch, for normalisation."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shinso.data._dataset import Split

_CHUNK_VALUES = 2**20
SAMPLE = 100_000
"""Examples of a larger training part that the statistics are measured on."""


def input_statistics(split: Split, seed: int) -> tuple[Float[Tensor, "*input"], Float[Tensor, "*input"]]:
    """Mean and standard deviation (population) of each channel (images) or feature (tables), float32, in raw units.

    Measured on all examples, or on a seeded random sample of `SAMPLE` when there are more. A constant channel or
    feature gets standard deviation 1. Shaped to broadcast over one example. Chunks are merged by Chan, Golub & LeVeque
    1983, eq. 2.1, in float64, so that features far from zero keep their digits.
    """
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    chunk = max(1, _CHUNK_VALUES // max(1, split.fetch(torch.zeros(1, dtype=torch.int64))[0].numel()))
    for index in torch.split(_measured(len(split), seed), chunk):
        inputs = split.fetch(index)[0].cpu().to(torch.float64)
        axes = (0, 2, 3) if inputs.ndim == 4 else (0,)
        here = inputs.numel() // inputs.shape[1] if inputs.ndim == 4 else len(inputs)
        chunk_mean = inputs.mean(axes, keepdim=True)[0]
        chunk_squares = (inputs - chunk_mean).square_().sum(axes, keepdim=True)[0]
        shift = chunk_mean - mean
        squares = squares + chunk_squares + shift.square() * (count * here / (count + here))
        mean = mean + shift * (here / (count + here))
        count += here
    return mean.float(), _positive(squares / count, mean)


def target_statistics(
    targets: Float[Tensor, "examples outputs"],
) -> tuple[Float[Tensor, " outputs"], Float[Tensor, " outputs"]]:
    """Mean and standard deviation (population) of each output, float32; a constant output gets standard deviation 1."""
    exact = targets.cpu().double()
    return exact.mean(0).float(), _positive(exact.var(0, correction=0), exact.mean(0))


def _measured(examples: int, seed: int) -> Tensor:
    if examples <= SAMPLE:
        return torch.arange(examples)
    chosen = np.random.default_rng(seed).choice(examples, SAMPLE, replace=False)
    return torch.from_numpy(np.sort(chosen))  # in order: neighbours share pages when the split is mapped


def _positive(variance: Tensor, mean: Tensor) -> Tensor:
    """The standard deviation, 1 where it is nothing but rounding of the mean."""
    std = variance.sqrt()
    return torch.where(std > 1e-12 * mean.abs(), std, 1.0).float()
