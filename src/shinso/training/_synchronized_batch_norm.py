"""Batch normalisation with the moments of the whole batch, however many processes share it, on any device.

torch's ``SyncBatchNorm`` is the same on GPUs alone.
"""

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


def synchronized(model: nn.Module) -> nn.Module:
    """The model, its batch normalisation layers taking moments over all processes from now on (in place)."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            module.forward = _Synchronized(module)  # type: ignore[method-assign, assignment]
    return model


class _Synchronized:
    """A forward for ``layer`` in training; in evaluation it is the layer's own."""

    def __init__(self, layer: nn.modules.batchnorm._BatchNorm) -> None:
        self.layer = layer

    def __call__(self, x: Float[Tensor, "batch channels *rest"]) -> Float[Tensor, "batch channels *rest"]:
        layer = self.layer
        if not layer.training:
            return type(layer).forward(layer, x)
        mean, variance = _moments(x.to(torch.promote_types(x.dtype, torch.float32)))
        self._update(mean.detach(), variance.detach(), x.numel() // x.shape[1] * dist.get_world_size())
        scale = (variance + layer.eps).rsqrt()
        if layer.affine:
            scale = scale * layer.weight
        shift = -mean * scale
        if layer.affine:
            shift = shift + layer.bias
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return (x * scale.view(shape) + shift.view(shape)).to(x.dtype)

    def _update(self, mean: Tensor, variance: Tensor, count: int) -> None:
        layer = self.layer
        if not layer.track_running_stats or layer.running_mean is None or layer.running_var is None:
            return
        assert layer.num_batches_tracked is not None
        layer.num_batches_tracked.add_(1)
        momentum = layer.momentum if layer.momentum is not None else 1 / layer.num_batches_tracked.item()
        layer.running_mean.lerp_(mean, momentum)
        layer.running_var.lerp_(variance * (count / max(1, count - 1)), momentum)


def _moments(x: Float[Tensor, "batch channels *rest"]) -> tuple[Float[Tensor, " channels"], Float[Tensor, " channels"]]:
    axes = [0, *range(2, x.ndim)]
    mean = _mean_over_processes(x.mean(axes))
    # In two passes: E[x²] - E[x]² cancels in float32 when the mean is large.
    centred = x - mean.view(1, -1, *[1] * (x.ndim - 2))
    return mean, _mean_over_processes(centred.square().mean(axes))


def _mean_over_processes(local: Tensor) -> Tensor:
    # Differentiable: the gradient of a shared moment is summed over processes as well.
    total: Tensor = all_reduce(local)  # type: ignore[no-untyped-call]
    return total / dist.get_world_size()
