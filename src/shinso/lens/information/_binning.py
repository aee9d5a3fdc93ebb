"""Mutual information after sorting the outputs of a layer into bins (Shwartz-Ziv and Tishby 2017)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens.information._information import Information


def bin_edges(
    activations: Float[Tensor, "example *units"], bins: int = 30, bounds: tuple[float, float] | None = None
) -> Float[Tensor, " edges"]:
    """The ``bins - 1`` edges between bins of equal width from the first bound to the second.

    Without ``bounds`` the bins span the layer's own outputs from the least to the greatest, so that the resolution is
    relative to the layer's scale. Raises ValueError for fewer than two bins or bounds in the wrong order.

    >>> bin_edges(torch.zeros(2, 1), bins=4, bounds=(-1.0, 1.0)).tolist()
    [-0.5, 0.0, 0.5]
    """
    if bins < 2:
        raise ValueError(f"binning needs at least 2 bins; got {bins}")
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ValueError(f"the first bound is below the second; got {bounds}")
    low, high = bounds if bounds is not None else (activations.min().item(), activations.max().item())
    return torch.linspace(low, high, bins + 1, dtype=torch.float64, device=activations.device)[1:-1]


def binned_information(
    activations: Float[Tensor, "example *units"], classes: Int[Tensor, " example"], edges: Float[Tensor, " edges"]
) -> Information:
    """I(X;T) and I(T;Y) in bits, where T is the tuple of the bins in which the units' outputs lie.

    The examples are taken for the whole distribution of X. As each of them has one T, I(X;T) is the entropy H(T). Do
    not trust it for a wide layer: every example then has a cell of its own, and I(X;T) is log₂ of the number of
    examples and I(T;Y) is H(Y), whatever the layer does. A continuous network loses no information at all; what falls
    here is what is left at this resolution, so that saturation (tanh) reads as compression (Saxe et al. 2018,
    section 2 and figure 1). Under dropout, where T is random, H(T) is more than I(X;T).

    Source: Shwartz-Ziv and Tishby 2017, section 3.1 (30 bins from -1 to 1); lecture 001, Information Bottleneck.
    """
    bins = torch.bucketize(activations.flatten(1).double().contiguous(), edges)
    cells = torch.unique(bins, dim=0, return_inverse=True)[1]
    pairs = torch.unique(torch.stack([cells, classes], dim=1), dim=0, return_inverse=True)[1]
    about_input = entropy(cells)
    return Information(about_input, max(0.0, about_input + entropy(classes) - entropy(pairs)))


def entropy(labels: Int[Tensor, " example"]) -> float:
    """The entropy in bits of how often each label occurs.

    >>> entropy(torch.tensor([0, 0, 1, 1]))
    1.0
    """
    shares: Tensor = torch.unique(labels, return_counts=True)[1].double() / len(labels)
    bits: float = -(shares * shares.log2()).sum().item()
    return bits
