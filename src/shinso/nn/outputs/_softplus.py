"""The logarithm of softplus, which has a gradient however small softplus is."""

import torch
from jaxtyping import Float
from torch import Tensor

_NEGLIGIBLE = -30.0
"""Below it log softplus(x) and x are the same number in double precision."""


def log_softplus(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """log(log(1 + eˣ)): near x for negative, near log x for large x."""
    # Each branch gets only what it is right for: an infinity in the other would make the gradient NaN.
    exact = torch.logaddexp(x.clamp(min=_NEGLIGIBLE), torch.zeros_like(x)).log()
    return torch.where(x < _NEGLIGIBLE, x, exact)
