"""One formula for batch, layer, instance and group normalisation (Wu and He, 2018, "Group Normalization", arXiv
1803.08494, equations 1 to 7; lecture 002, figure 2).
"""

import torch
from jaxtyping import Float
from torch import Tensor


def normalize(x: Float[Tensor, "*shape"], dim: tuple[int, ...], eps: float = 1e-5) -> Float[Tensor, "*shape"]:
    """(x − μ)/√(σ² + ε) with the mean and the biased variance over the axes ``dim`` (equations 1 and 2).

    Of ``[batch, channel, height, width]``: (0, 2, 3) is batch normalisation, (1, 2, 3) layer normalisation and (2, 3)
    instance normalisation, each without its scale and shift.
    """
    variance, mean = torch.var_mean(x, dim, correction=0, keepdim=True)
    return (x - mean) * (variance + eps).rsqrt()


def normalize_groups(
    x: Float[Tensor, "batch channel *spatial"], num_groups: int, eps: float = 1e-5
) -> Float[Tensor, "batch channel *spatial"]:
    """The same over the positions and the channels of one of ``num_groups`` groups: group normalisation (equation 7).

    With one group it is layer normalisation, with as many as channels instance normalisation. Raises ValueError if
    the channels do not divide into that many groups.
    """
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(f"num_groups must divide the {x.shape[1]} channels; got {num_groups}")
    groups = x.reshape(x.shape[0], num_groups, -1, *x.shape[2:])
    return normalize(groups, tuple(range(2, groups.ndim)), eps).flatten(1, 2)
