"""How noisy the gradient of a batch is, and what that says about batch size and learning rate."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.per_sample._per_sample import PerSample


@dataclass(frozen=True)
class Noise:
    """Estimates without bias of the two parts of the gradient, over all parameters that are seen."""

    variance: Float[Tensor, ""]
    """tr Σ: the variance of one example's gradient, summed over its entries."""
    squared_gradient: Float[Tensor, ""]
    """|G|²: the squared norm of the gradient over all data; by chance it may come out negative."""

    @property
    def simple_scale(self) -> Float[Tensor, ""]:
        """tr Σ / |G|², a number of examples: below that batch size doubling it nearly halves the steps needed.

        NaN where the estimate of |G|² is not positive. One step's ratio scatters wildly: average both parts over steps
        (``averaged_noise_scale``). It takes the curvature to be the same in all directions; where it is not, the batch
        that is useful differs from this, and the noise scale with the Hessian (eq. 2.8) is needed.
        Source: McCandlish et al. 2018, arXiv 1812.06162, eq. 2.9.
        """
        return torch.where(self.squared_gradient > 0, self.variance / self.squared_gradient, float("nan"))


def noise(gradients: PerSample) -> Noise:
    """The noise of the gradient from the norms of its examples: batch sizes 1 and that of the batch.

    Both are NaN for a batch of one example, and where no parameter is seen.
    """
    small, big = gradients.squared_norms.mean(1), gradients.squared_mean_norms
    seen = ~small.isnan()
    # Of nothing that is seen the noise is not 0 but unknown.
    unseen = torch.where(seen.any(), torch.zeros_like(small), float("nan"))
    return noise_from_two_batch_sizes(
        torch.where(seen, small, unseen).sum(), 1, torch.where(seen, big, unseen).sum(), gradients.batch_size
    )


def noise_from_two_batch_sizes(
    small_squared_norm: Float[Tensor, ""], small: int, big_squared_norm: Float[Tensor, ""], big: int
) -> Noise:
    """The noise of the gradient from the mean squared norms of gradients over batches of two sizes.

    The squared norm of a batch's gradient is |G|² + tr Σ / batch size on average; two sizes tell the two parts apart.
    NaN where the sizes are equal. Source: McCandlish et al. 2018, arXiv 1812.06162, appendix A.1.
    """
    if small == big:
        unknown = torch.full_like(big_squared_norm, float("nan"))
        return Noise(unknown, unknown)
    squared_gradient = (big * big_squared_norm - small * small_squared_norm) / (big - small)
    variance = (small_squared_norm - big_squared_norm) / (1 / small - 1 / big)
    return Noise(variance, squared_gradient)


def averaged_noise_scale(
    variances: Sequence[float], squared_gradients: Sequence[float], decay: float = 0.95
) -> list[float]:
    """tr Σ / |G|² by step, of running averages of both: of what the lens ``GradientNoise`` read.

    The weight of a step falls by ``decay`` with each later one. NaN while the average of |G|² is not positive.
    Raises ValueError for a decay outside [0, 1).

    >>> averaged_noise_scale([8.0, 8.0], [1.0, 3.0], decay=0.5)  # doctest: +ELLIPSIS
    [8.0, 3.42...]
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay must be at least 0 and below 1; got {decay}")
    scales, variance, squared = [], 0.0, 0.0
    for now, now_squared in zip(variances, squared_gradients, strict=True):
        # A common factor of both averages cancels.
        variance, squared = decay * variance + now, decay * squared + now_squared
        scales.append(variance / squared if squared > 0 else float("nan"))
    return scales


def variance_by_parameter(gradients: PerSample) -> Float[Tensor, " parameters"]:
    """The variance of one example's gradient, summed over the entries of each parameter tensor; n - 1 in it."""
    size = gradients.batch_size
    if size < 2:
        return torch.full_like(gradients.squared_mean_norms, float("nan"))
    spread = gradients.squared_norms.mean(1) - gradients.squared_mean_norms
    return spread.clamp(min=0) * (size / (size - 1))


def signal_to_noise(gradients: PerSample) -> Float[Tensor, " parameters"]:
    """|G|² / (tr Σ / batch size) of each parameter tensor: the signal in this batch's gradient relative to its noise.

    Estimated without bias of |G|², so that pure noise reads 0 on average and not 1; it may come out negative.
    """
    of_batch = variance_by_parameter(gradients) / gradients.batch_size
    return (gradients.squared_mean_norms - of_batch) / of_batch
