"""Mutual information from distances to nearest neighbours (Kraskov et al. 2004, Ross 2014)."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from shinso.lens.information._distances import squared_distances


def nearest_neighbour_information(
    first: Float[Tensor, "example *first_units"], second: Float[Tensor, "example *second_units"], neighbours: int = 3
) -> float:
    """The mutual information in bits of two continuous variables with a joint density, from examples of both.

    Do not use it for a layer and its own input: where one is a function of the other the true value is infinite, and
    the estimate only grows with the number of examples. It is biased towards zero where there are many units.
    Raises ValueError unless there are more examples than ``neighbours``.

    Source: Kraskov, Stögbauer and Grassberger 2004, equation 8.
    """
    count = len(first)
    _check(count, neighbours)
    apart = squared_distances(first), squared_distances(second)
    radius = torch.maximum(*apart).kthvalue(neighbours + 1, dim=1, keepdim=True).values
    closer = sum(torch.digamma(_others(distances < radius) + 1).mean() for distances in apart)
    nats = torch.digamma(torch.tensor([neighbours, count], dtype=torch.float64)).sum() - torch.as_tensor(closer).cpu()
    return max(0.0, nats.item() / math.log(2))


def nearest_neighbour_target_information(
    activations: Float[Tensor, "example *units"], classes: Int[Tensor, " example"], neighbours: int = 3
) -> float:
    """I(T;Y) in bits of a layer's outputs and discrete targets; needs no bins and no noise.

    It asks how much closer the nearest neighbours of the same class are than the nearest of all. Classes with one
    example say nothing and are left out; in a smaller class than ``neighbours + 1`` all others count. Do not trust it
    for wide layers and few examples, where it falls short, nor take small differences between layers for real: its
    spread over batches is some tenths of a bit for a few hundred examples.
    Raises ValueError unless there are more examples than ``neighbours``.

    Source: Ross 2014, equation 2, with ties counted as by Gao et al. 2017, algorithm 1.
    """
    _check(len(activations), neighbours)
    distances = squared_distances(activations)
    same = classes[:, None] == classes[None, :]
    sizes = same.sum(dim=1)
    known = sizes > 1
    if not known.any():
        return 0.0
    distances, same, sizes = distances[known][:, known], same[known][:, known], sizes[known]
    rank = sizes.clamp_max(neighbours + 1) - 1
    within = distances.where(same, math.inf).topk(int(rank.max()) + 1, dim=1, largest=False).values
    radius = within.gather(1, rank[:, None])
    near = distances <= radius
    terms = torch.digamma(_others(near & same)) - torch.digamma(sizes.double()) - torch.digamma(_others(near))
    nats = torch.digamma(torch.tensor(float(len(sizes)), dtype=torch.float64)) + terms.mean().cpu()
    return max(0.0, nats.item() / math.log(2))


def _others(near: Bool[Tensor, "example example"]) -> Float[Tensor, " example"]:
    """How many are near each example, itself left out."""
    return near.sum(dim=1).double() - near.diagonal().double()


def _check(count: int, neighbours: int) -> None:
    if not 0 < neighbours < count:
        raise ValueError(f"each of {count} examples has at most {count - 1} neighbours, at least 1; got {neighbours}")
