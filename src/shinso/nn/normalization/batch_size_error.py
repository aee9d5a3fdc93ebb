"""How much a normalisation depends on the size of the mini-batch (Wu and He, 2018, "Group Normalization", arXiv
1803.08494, section 4.1; lecture 002, figure 5).
"""

import copy
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


def batch_size_error(
    norm: nn.Module,
    x: Float[Tensor, "batch *shape"],
    batch_sizes: Sequence[int],
    generator: torch.Generator | None = None,
) -> dict[int, float]:
    """For each size, how far the outputs in mini-batches of it are from those for all of x at once: the root mean
    square difference, in training mode.

    About √(1.5/m) standard deviations for batch normalisation of m values from a normal distribution (1/m from the
    mean, 1/(2m) from the variance), 0 up to rounding for layer, instance and group normalisation. The mini-batches are
    a random division of x; what is left over is left out. The layer itself does not change.

    Raises ValueError for a size that x does not have twice.
    """
    for size in batch_sizes:
        if size < 1 or 2 * size > len(x):
            raise ValueError(f"a batch size must be from 1 to half of the {len(x)} examples; got {size}")
    norm = copy.deepcopy(norm).train()
    with torch.no_grad():
        whole = norm(x)
        return {size: _error(norm, x, whole, size, generator) for size in batch_sizes}


def _error(norm: nn.Module, x: Tensor, whole: Tensor, size: int, generator: torch.Generator | None) -> float:
    order = torch.randperm(len(x), generator=generator).to(x.device)
    batches = order[: len(x) - len(x) % size].reshape(-1, size)
    squares = [(norm(x[batch]) - whole[batch]).square().mean() for batch in batches]
    return float(torch.stack(squares).mean().sqrt())
