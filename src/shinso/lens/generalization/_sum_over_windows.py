"""While a network runs: the sum over each pooling window in place of its maximum."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

_MAX_POOLINGS = {"max_pool1d": F.conv1d, "max_pool2d": F.conv2d, "max_pool3d": F.conv3d}
_BENT_BELOW_ZERO = {"elu", "elu_", "selu", "selu_", "celu", "celu_"}


class SumOverWindows(TorchFunctionMode):
    """Every input of a maximum may be the one that passes, so a sum over paths counts them all.

    Raises ValueError for activations that are linear above zero alone, which no run on positive numbers shows.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        if name in _BENT_BELOW_ZERO:
            raise ValueError(
                f"the path norm is undefined for {name}: it needs activations with f(ax) = a f(x) for a > 0, such as "
                "ReLU and LeakyReLU"
            )
        if name in _MAX_POOLINGS:
            return _summed(_MAX_POOLINGS[name], func, *args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _summed(
    convolve: Callable[..., Tensor],
    pool: Callable[..., Tensor],
    inputs: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    if return_indices:
        raise ValueError("the path norm is undefined for max-pooling that returns indices")
    axes = int(convolve.__name__[-2])
    kernel = _for_each(kernel_size, axes)
    stride = kernel if stride is None or stride == [] else _for_each(stride, axes)
    shape = pool(inputs, kernel_size, stride, padding, dilation, ceil_mode).shape
    channels = inputs.shape[-axes - 1]
    ones = inputs.new_ones(channels, 1, *kernel)
    # With ceil_mode the last windows reach over the border by less than one stride.
    reaching = F.pad(inputs, [end for step in reversed(stride) for end in (0, step - 1)])
    sums = convolve(reaching, ones, None, stride, padding, dilation, channels)
    for axis in range(-axes, 0):
        sums = sums.narrow(axis, 0, shape[axis])
    return sums


def _for_each(value: Any, axes: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple | list | torch.Size) else (value,) * axes
