"""How large tensors are."""

from collections.abc import Sequence

import torch
from jaxtyping import Shaped
from torch import Tensor

from shinso.lens._stacked import stacked


def norms(tensors: Sequence[Shaped[Tensor, "..."]]) -> Shaped[Tensor, " tensors"]:
    """The L2 norm of each tensor, all in a few kernels; raises nothing on sparse or half-precision tensors."""
    return stacked(torch._foreach_norm([_wide(tensor) for tensor in tensors]))


def _wide(tensor: Tensor) -> Tensor:
    if tensor.is_sparse:
        tensor = tensor.coalesce().values()
    # Squares of half-precision entries overflow.
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
