"""Gaussian output units: a linear layer for the mean, and a variance in three ways (lecture 004 section 6.2.2.1)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from shinso.nn.outputs._softplus import log_softplus
from shinso.nn.outputs._targets import check_same_shape


def gaussian_negative_log_likelihood(
    targets: Float[Tensor, "*#batch d"],
    mean: Float[Tensor, "*#batch d"],
    log_precision: Float[Tensor, "*#batch d"],
) -> Float[Tensor, "*batch"]:
    """−log N(targets; mean, diag(1/precision)), summed over the last axis, with all constants.

    ½ Σ (precision·(y − μ)² − log precision + log 2π).
    """
    squared = (targets - mean).square() * log_precision.exp()
    return 0.5 * (squared - log_precision + math.log(2 * math.pi)).sum(-1)


class LinearGaussian(nn.Linear):
    """Mean Wᵀh + b of a Gaussian whose variance is given: N(y; Wᵀh + b, variance·I) (equation 6.17).

    Maps features ``[*batch, in_features]`` to means ``[*batch, out_features]``; ``variance`` is one number or one for
    each output. Its cost is the squared error over twice the variance, plus a constant (equation 6.13): it never
    saturates. Raises ValueError for a variance that is not positive.
    """

    log_precision: Tensor

    def __init__(self, in_features: int, out_features: int, *, variance: float | Tensor = 1.0) -> None:
        super().__init__(in_features, out_features)
        variances = torch.as_tensor(variance, dtype=self.weight.dtype, device=self.weight.device)
        if not bool((variances > 0).all()):
            raise ValueError(f"a Gaussian output needs variances above 0; got {variance}")
        self.register_buffer("log_precision", -variances.log().expand(out_features).clone())

    def distribution(self, features: Float[Tensor, "*batch in_features"]) -> Independent[Normal]:
        """p(y | features), with ``mean``, ``mode``, ``variance``, ``sample`` and ``log_prob``."""
        mean = self(features)
        return Independent(Normal(mean, torch.exp(-0.5 * self.log_precision).expand_as(mean)), 1)

    def negative_log_likelihood(
        self, features: Float[Tensor, "*batch in_features"], targets: Float[Tensor, "..."]
    ) -> Float[Tensor, "*batch"]:
        """−log p(targets | features) of each example; its mean over the batch is the cost to train by.

        Raises ValueError unless targets are ``[*batch, out_features]``.
        """
        mean = self(features)
        check_same_shape(targets, mean)
        return gaussian_negative_log_likelihood(targets, mean, self.log_precision)


class HomoscedasticGaussian(LinearGaussian):
    """As ``LinearGaussian``, with a variance for each output that is learned and the same for all inputs.

    It is the mean squared error of that output when trained to the end. ``variance`` is where it begins.
    """

    def __init__(self, in_features: int, out_features: int, *, variance: float | Tensor = 1.0) -> None:
        super().__init__(in_features, out_features, variance=variance)
        self.log_precision = nn.Parameter(self.log_precision)


class HeteroscedasticGaussian(nn.Module):
    """A Gaussian whose mean and precisions both depend on the input: N(y; Wᵀh + b, diag(1/β(h))).

    Maps features ``[*batch, in_features]`` to means and logarithms of precisions, ``[*batch, out_features]`` each. The
    precision, one over the variance, is the softplus of a linear function, so that the cost and its gradient stay
    finite however extreme the features (Goodfellow et al., 2016, section 6.2.2.4).
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.mean = nn.Linear(in_features, out_features)
        self.precision = nn.Linear(in_features, out_features)

    def forward(
        self, features: Float[Tensor, "*batch in_features"]
    ) -> tuple[Float[Tensor, "*batch out_features"], Float[Tensor, "*batch out_features"]]:
        return self.mean(features), log_softplus(self.precision(features))

    def distribution(self, features: Float[Tensor, "*batch in_features"]) -> Independent[Normal]:
        """p(y | features), with ``mean``, ``mode``, ``variance``, ``sample`` and ``log_prob``."""
        mean, log_precision = self(features)
        return Independent(Normal(mean, torch.exp(-0.5 * log_precision)), 1)

    def negative_log_likelihood(
        self, features: Float[Tensor, "*batch in_features"], targets: Float[Tensor, "..."]
    ) -> Float[Tensor, "*batch"]:
        """−log p(targets | features) of each example; its mean over the batch is the cost to train by.

        Raises ValueError unless targets are ``[*batch, out_features]``.
        """
        mean, log_precision = self(features)
        check_same_shape(targets, mean)
        return gaussian_negative_log_likelihood(targets, mean, log_precision)
