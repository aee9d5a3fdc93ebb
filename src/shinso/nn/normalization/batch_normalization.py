"""Batch normalisation as a layer whose backward is the published one (Ioffe and Szegedy, 2015, arXiv 1502.03167)."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.nn.normalization.batch_normalize import batch_normalize, batch_normalize_backward, beside


class BatchNormalization(nn.Module):
    """Algorithm 1 in training, one affine map in evaluation; its derivatives are ``batch_normalize_backward``.

    Maps ``[batch, num_features, *]`` to the same shape, over the batch and all positions. Arguments, running statistics
    and state are those of torch.nn.BatchNorm2d, whose kernels are faster: this one is to be read, checked and changed.
    Raises ValueError for another number of channels, and in training for one value per channel.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        if num_features < 1:
            raise ValueError(f"num_features must be at least 1; got {num_features}")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.track_running_stats = True
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, x: Float[Tensor, "batch channel *spatial"]) -> Float[Tensor, "batch channel *spatial"]:
        if x.shape[1] != self.num_features:
            raise ValueError(f"expected {self.num_features} channels in axis 1; got shape {tuple(x.shape)}")
        dim = (0, *range(2, x.ndim))
        if not self.training:
            scale = self.weight * (self.running_var + self.eps).rsqrt()
            return x * beside(x, scale, dim) + beside(x, self.bias - self.running_mean * scale, dim)
        if x.numel() == self.num_features:
            raise ValueError(f"training needs more than 1 value per channel; got shape {tuple(x.shape)}")
        if self.track_running_stats:
            self._track(x.detach(), dim)
        output: Tensor = _Algorithm1.apply(x, self.weight, self.bias, dim, self.eps)  # type: ignore[no-untyped-call]
        return output

    def _track(self, x: Tensor, dim: tuple[int, ...]) -> None:
        variance, mean = torch.var_mean(x.to(self.running_var.dtype), dim, correction=1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked.add_(1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"


class _Algorithm1(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor, dim: tuple[int, ...], eps: float) -> Tensor:
        return batch_normalize(x, weight, bias, dim, eps)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, weight, _, ctx.dim, ctx.eps = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        return *batch_normalize_backward(gradient, x, weight, ctx.dim, ctx.eps), None, None
