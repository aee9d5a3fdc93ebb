"""Batch normalisation in eval mode as what it is there: an affine map of each channel."""

from typing import TypeGuard

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # the only class that all of torch's batch normalisations share

from shinso.nn.normalization import BatchNormalization

BatchNorm = _BatchNorm | BatchNormalization


def is_affine_in_eval_mode(module: nn.Module) -> TypeGuard[BatchNorm]:
    """Whether it is a batch normalisation with running statistics; without them it is no fixed map."""
    return isinstance(module, BatchNorm) and module.running_var is not None


def scale_and_shift(norm: BatchNorm) -> tuple[Float[Tensor, " channels"], Float[Tensor, " channels"]]:
    """a and b of x ↦ ax + b for each channel."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = (variance + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * norm.weight.detach()
    shift = -mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias.detach()
