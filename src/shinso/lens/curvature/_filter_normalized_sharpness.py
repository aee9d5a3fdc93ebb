"""Sharpness on the scale of the filters."""

import math
from dataclasses import dataclass

import torch

from shinso.lens._probe import Probe
from shinso.lens.curvature._directions import filter_normalized, random_direction
from shinso.lens.curvature._hessian import check_finite
from shinso.lens.curvature._loss_slice import moved


@dataclass(frozen=True)
class Sharpness:
    """A mean rise of the loss, in percent of 1 + loss."""

    value: float
    low: float
    high: float
    """The 95 % confidence interval of Student's t over directions is from ``low`` to ``high``."""
    directions: int


def filter_normalized_sharpness(probe: Probe, radius: float = 0.1, *, directions: int = 10, seed: int = 0) -> Sharpness:
    """How much the loss rises on average at ``radius`` along random filter-normalised directions, both ways.

    At radius 0.1 each filter is changed by a tenth of its length. It is scaled as ε-sharpness is (percent of 1 + loss),
    and is the same for all ways to distribute scale over the layers of a ReLU network, which ε-sharpness is not.

    It is a mean over directions, hence blind to a few sharp ones among very many: those are what the top eigenvalues
    show. In eval mode batch normalisation keeps the statistics of the unmoved network, which makes it look sharper.
    In half precision the rise is mostly rounding: take a copy of the model in float32.
    Raises ValueError unless there are at least two directions and the radius is positive.
    Source: directions of Li et al. 2018, section 4; the scale of Keskar et al. 2017, metric 2.1.
    """
    from scipy.stats import t

    if directions < 2 or not radius > 0:
        raise ValueError(f"needs a positive radius and at least 2 directions; got {radius} and {directions}")
    with torch.no_grad():
        middle = probe.loss()
        check_finite(middle)
        rises = []
        for number in range(directions):
            direction = filter_normalized(probe, random_direction(probe, seed + number))
            ends = [probe.loss(moved(probe, direction, distance)) for distance in (radius, -radius)]
            rises.append(50 * (ends[0] + ends[1] - 2 * middle).double() / (1 + middle.double()))
    found = torch.stack(rises)
    value = float(found.mean())
    half = float(t.ppf(0.975, directions - 1)) * float(found.std()) / math.sqrt(directions)
    return Sharpness(value, value - half, value + half, directions)
