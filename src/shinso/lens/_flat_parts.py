"""Where activation functions are flat: at exact zero, and near their bounds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class FlatParts(NamedTuple):
    """Outputs at which a function passes no gradient: exact zero if ``off_at_zero``, and near ``bounds``."""

    off_at_zero: bool = False
    bounds: tuple[float, float] | None = None
    """Lowest and highest output."""


_SMOOTH = FlatParts()
_RECTIFIED = FlatParts(off_at_zero=True)
_UP_TO_ONE = FlatParts(bounds=(0.0, 1.0))
_BETWEEN_ONES = FlatParts(bounds=(-1.0, 1.0))

_FLAT_PARTS: dict[Any, FlatParts] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_, F.hardswish), _RECTIFIED),
    **dict.fromkeys(
        (F.sigmoid, torch.sigmoid, torch.sigmoid_, torch.Tensor.sigmoid, torch.Tensor.sigmoid_), _UP_TO_ONE
    ),
    **dict.fromkeys((torch.special.expit, F.hardsigmoid), _UP_TO_ONE),
    **dict.fromkeys(
        (F.tanh, torch.tanh, torch.tanh_, torch.Tensor.tanh, torch.Tensor.tanh_, F.softsign), _BETWEEN_ONES
    ),
    **dict.fromkeys((F.gelu, F.silu, F.mish, F.softplus, F.elu, F.selu, F.celu, F.leaky_relu, F.rrelu), _SMOOTH),
    **dict.fromkeys((F.elu_, F.selu_, F.celu_, F.leaky_relu_, F.rrelu_), _SMOOTH),
    **dict.fromkeys((F.logsigmoid, F.glu, F.tanhshrink), _SMOOTH),
    **dict.fromkeys((F.hardshrink, F.softshrink), _RECTIFIED),
    F.relu6: FlatParts(off_at_zero=True, bounds=(0.0, 6.0)),
}


def flat_parts(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> FlatParts | None:
    """Where this call of an activation function is flat; None if the function is not one of torch's activations."""
    return _of_hardtanh(*args, **kwargs) if function in (F.hardtanh, F.hardtanh_) else _FLAT_PARTS.get(function)


def is_activation(module: nn.Module) -> bool:
    """Whether the module is one of torch's activation functions as a module."""
    return type(module).__module__ == nn.ReLU.__module__


def _of_hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> FlatParts:
    return FlatParts(off_at_zero=min_val == 0, bounds=(min_val, max_val))
