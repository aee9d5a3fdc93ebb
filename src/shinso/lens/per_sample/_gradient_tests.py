"""Whether the batch is large enough for its gradient to be trusted: norm, inner-product and orthogonality test."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.per_sample._per_sample import PerSample


class BatchTests(NamedTuple):
    """For each test the smallest bound that this batch passes; it falls with the square root of the batch size.

    Below 1 for the norm test, the noise in the gradient is smaller than the gradient. Usual bounds are 0.9 for the
    inner-product test and 5.84 (tan 80°) for the orthogonality test (Bollapragada et al. 2018, §4). Do not trust them
    where the batch is not a random draw, and not under batch normalisation, which ties the examples together.
    """

    norm: Float[Tensor, ""]
    """θ in Var(g) / B ≤ θ² |ḡ|² (Byrd et al. 2012, eq. 3.9)."""
    inner_product: Float[Tensor, ""]
    """θ in Var(g·ḡ) / B ≤ θ² |ḡ|⁴ (Bollapragada et al. 2018, arXiv 1710.11258, eq. 2.6)."""
    orthogonality: Float[Tensor, ""]
    """ν in Var(g - (g·ḡ/|ḡ|²) ḡ) / B ≤ ν² |ḡ|² (eq. 3.3)."""


def batch_tests(gradients: PerSample) -> BatchTests:
    """The three tests, over all parameters that are seen; NaN for a batch of one example or without gradient.

    The last two are NaN where several passes make up the batch.
    """
    size = gradients.batch_size
    seen = ~gradients.squared_norms.isnan().any(1)
    mean = torch.where(seen, gradients.squared_mean_norms, 0).sum()
    # Sums over the parameters: inner products of the gradients as wholes.
    kept = seen.unsqueeze(1)
    squares, products = (torch.where(kept, part, 0).sum(0) for part in (gradients.squared_norms, gradients.products))
    if size < 2:
        unknown = torch.full_like(mean, float("nan"))
        return BatchTests(unknown, unknown, unknown)
    along = (products - mean).square().sum()
    spread = (squares.sum() - size * mean).clamp(min=0)
    across = (squares.sum() - products.square().sum() / mean).clamp(min=0)
    scale = size * (size - 1) * mean
    return BatchTests((spread / scale).sqrt(), (along / (scale * mean)).sqrt(), (across / scale).sqrt())
