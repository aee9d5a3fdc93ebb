"""Mixture density output units (Bishop, 1994, "Mixture Density Networks", Aston University NCRG/94/004; lecture 004
section 6.2.2, table).
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from shinso.nn.outputs._gaussian import gaussian_negative_log_likelihood
from shinso.nn.outputs._mixture_modes import MixtureModes, mixture_modes
from shinso.nn.outputs._softplus import log_softplus
from shinso.nn.outputs._targets import check_same_shape


class GaussianMixture(NamedTuple):
    """What a mixture density unit puts out."""

    logits: Float[Tensor, "*batch components"]
    """Their softmax are the mixing coefficients."""
    means: Float[Tensor, "*batch components out_features"]
    log_precisions: Float[Tensor, "*batch components out_features"]
    """Logarithms of one over the variance."""


class MixtureDensity(nn.Module):
    """A mixture of Gaussians with diagonal covariance whose every parameter is a function of the features.

    p(y | h) = Σᵢ αᵢ(h) N(y; μᵢ(h), diag(1/βᵢ(h))), α a softmax, μ linear, β the softplus of a linear function
    (equation 22; Bishop has one variance per component, and its exponential). Maps features ``[*batch, in_features]``
    to a ``GaussianMixture``. It is for targets that may lie on one of several branches, where the mean lies on none.

    Standardise the targets: the components begin near 0 with a variance near 1, and part from there. Their number may
    exceed that of the branches. Raises ValueError without a component.
    """

    def __init__(self, in_features: int, out_features: int, components: int) -> None:
        super().__init__()
        if components < 1:
            raise ValueError(f"a mixture needs at least 1 component; got {components}")
        self.out_features = out_features
        self.components = components
        self.logits = nn.Linear(in_features, components)
        self.means = nn.Linear(in_features, components * out_features)
        self.precisions = nn.Linear(in_features, components * out_features)

    def forward(self, features: Float[Tensor, "*batch in_features"]) -> GaussianMixture:
        shape = (self.components, self.out_features)
        means = torch.unflatten(self.means(features), -1, shape)
        log_precisions = torch.unflatten(log_softplus(self.precisions(features)), -1, shape)
        return GaussianMixture(self.logits(features), means, log_precisions)

    def distribution(self, features: Float[Tensor, "*batch in_features"]) -> MixtureSameFamily:
        """p(y | features), with ``mean``, ``variance``, ``sample`` and ``log_prob``."""
        logits, means, log_precisions = self(features)
        kernels = Independent(Normal(means, torch.exp(-0.5 * log_precisions)), 1)
        return MixtureSameFamily(Categorical(logits=logits), kernels)

    def negative_log_likelihood(
        self, features: Float[Tensor, "*batch in_features"], targets: Float[Tensor, "..."]
    ) -> Float[Tensor, "*batch"]:
        """−log p(targets | features) of each example; its mean over the batch is the cost to train by.

        Raises ValueError unless targets are ``[*batch, out_features]``.
        """
        logits, means, log_precisions = self(features)
        check_same_shape(targets, means[..., 0, :])
        by_component = -gaussian_negative_log_likelihood(targets.unsqueeze(-2), means, log_precisions)
        return -torch.logsumexp(logits.log_softmax(-1) + by_component, dim=-1)

    def modes(self, features: Float[Tensor, "*batch in_features"]) -> MixtureModes:
        """The maxima of p(y | features): where the branches are, and how high the density is on each."""
        return mixture_modes(*self(features))

    def mode(self, features: Float[Tensor, "*batch in_features"]) -> Float[Tensor, "*batch out_features"]:
        """The highest maximum of p(y | features): a prediction on one of the branches, as the mean is not."""
        points, log_densities = self.modes(features)
        highest = log_densities.argmax(-1)[..., None, None].expand(*points.shape[:-2], 1, points.shape[-1])
        return points.gather(-2, highest).squeeze(-2)

    def extra_repr(self) -> str:
        return f"out_features={self.out_features}, components={self.components}"
