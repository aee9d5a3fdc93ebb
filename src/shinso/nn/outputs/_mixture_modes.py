"""The maxima of a mixture of Gaussians (Carreira-Perpiñán, 2000, "Mode-finding for mixtures of Gaussian
distributions", IEEE PAMI 22(11)).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.nn.outputs._gaussian import gaussian_negative_log_likelihood

_STEPS = 100


class MixtureModes(NamedTuple):
    """A maximum for each component; the same one again where components have merged."""

    points: Float[Tensor, "*batch components d"]
    log_densities: Float[Tensor, "*batch components"]
    """Of the whole mixture, there."""


def mixture_modes(
    logits: Float[Tensor, "*batch components"],
    means: Float[Tensor, "*batch components d"],
    log_precisions: Float[Tensor, "*batch components d"],
) -> MixtureModes:
    """The maxima of Σ softmax(logits)ᵢ N(y; meansᵢ, diag(1/precisionsᵢ)), each reached from a component's mean.

    Uphill by the fixed-point iteration, in which the density never falls: y is moved to the mean of
    the component means, weighted by responsibility times precision, 100 times. Without gradient.
    """
    with torch.no_grad():
        mixture = (logits.log_softmax(-1), means, log_precisions)
        points = means
        for _ in range(_STEPS):
            # log of responsibility times precision, of each point for each component; constants cancel.
            weights = (_log_joint(points, *mixture).unsqueeze(-1) + log_precisions.unsqueeze(-3)).softmax(-2)
            points = (weights * means.unsqueeze(-3)).sum(-2)
        return MixtureModes(points, _log_joint(points, *mixture).logsumexp(-1))


def _log_joint(points: Tensor, log_weights: Tensor, means: Tensor, log_precisions: Tensor) -> Tensor:
    """log(αᵢ N(y; component i)), ``[*batch, point, component]``."""
    apart = points.unsqueeze(-2)
    kernels = gaussian_negative_log_likelihood(apart, means.unsqueeze(-3), log_precisions.unsqueeze(-3))
    return log_weights.unsqueeze(-2) - kernels
