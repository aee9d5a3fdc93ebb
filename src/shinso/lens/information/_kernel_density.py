"""Bounds on mutual information of a layer with a little Gaussian noise added (Kolchinsky and Tracey 2017)."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens.information._binning import entropy
from shinso.lens.information._distances import squared_distances
from shinso.lens.information._information import Information, InformationBounds


def kernel_density_information(
    activations: Float[Tensor, "example *units"], classes: Int[Tensor, " example"], noise: float
) -> InformationBounds:
    """Bounds in bits on I(X;T) and I(T;Y), where T is the layer's output plus noise of that standard deviation.

    T is then a mixture of one Gaussian for each example, whose entropy is bounded by the distances between them:
    from above by the Kullback-Leibler divergence, from below by the Bhattacharyya distance. The bounds hold for the
    examples as the whole distribution of X; they say nothing of inputs that are not among them. Those on I(T;Y), a
    difference of two entropies, are often as wide as from 0 to H(Y): hence an estimate between them. The noise is not
    in the network: it sets the resolution, and with it the result. Do not compare layers or steps read with different
    noise, and do not trust a value close to log₂ of the number of examples.

    Raises ValueError unless the noise is positive.

    Source: Kolchinsky and Tracey 2017, equations 10 and 11 with section 4; used for networks by Saxe et al. 2018,
    appendix; lecture 001, Information Bottleneck.
    """
    if not noise > 0:
        raise ValueError(f"the noise is a standard deviation above 0; got {noise}")
    distances = squared_distances(activations) / noise**2
    about_target = entropy(classes)
    low, high = _mixture(distances / 8), _mixture(distances / 2)
    low_within, high_within = _within(distances / 8, classes), _within(distances / 2, classes)
    return InformationBounds(
        lower=Information(low, max(0.0, low - high_within)),
        upper=Information(high, min(about_target, high - low_within)),
        estimate=Information(high, min(about_target, max(0.0, high - high_within))),
    )


def _mixture(divergences: Float[Tensor, "example example"]) -> float:
    """-1/n Σᵢ log₂ 1/n Σⱼ exp(-Dᵢⱼ): the entropy of the mixture beyond that of one Gaussian."""
    logs = torch.logsumexp(-divergences, dim=1) - math.log(len(divergences))
    return max(0.0, -logs.mean().item() / math.log(2))


def _within(divergences: Float[Tensor, "example example"], classes: Int[Tensor, " example"]) -> float:
    """The same of each class by itself, averaged by how often it occurs."""
    total = 0.0
    for label in torch.unique(classes):
        members = (classes == label).nonzero()[:, 0]
        total += len(members) / len(classes) * _mixture(divergences[members][:, members])
    return total
