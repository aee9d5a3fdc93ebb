"""How far apart the distributions of two samples are, unit by unit."""

import torch
from jaxtyping import Float
from torch import Tensor


def wasserstein_distance(
    first: Float[Tensor, "samples units"], second: Float[Tensor, "others units"]
) -> Float[Tensor, " units"]:
    """The 1-Wasserstein (earth mover's) distance between the two samples of each unit, in the units of the values.

    It is the area between the two cumulative distributions, ∫ |F(x) − G(x)| dx: the least mean distance over which
    the values of one sample must be moved to become the other. Two samples of n values drawn from one distribution
    are already apart by about their standard deviation / √n: do not read less than that as movement, unless both
    samples come from the same examples. Raises ValueError for an empty sample.

    Source: Ramdas, García Trillos and Cuturi 2017, "On Wasserstein two-sample testing", eq. 5 with p = 1.

    >>> wasserstein_distance(torch.tensor([[0.0], [1.0]]), torch.tensor([[5.0], [6.0]]))
    tensor([5.])
    """
    if not len(first) or not len(second):
        raise ValueError(f"a distance needs two samples with values; got {len(first)} and {len(second)} values a unit")
    values, order = torch.cat([first, second]).sort(dim=0)
    of_first = order < len(first)
    shares_first = of_first.cumsum(0).to(values.dtype) / len(first)
    shares_second = (~of_first).cumsum(0).to(values.dtype) / len(second)
    return ((shares_first - shares_second).abs()[:-1] * values.diff(dim=0)).sum(0)
