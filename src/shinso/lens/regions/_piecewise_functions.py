"""torch's piecewise-linear functions, each as a choice between affine pieces."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from shinso.lens.regions._pooling_windows import pooling_windows


class Choice(NamedTuple):
    """In each place the result is the value of the piece with the greatest score; both are affine where x is."""

    scores: Float[Tensor, "*places piece"]
    values: Float[Tensor, "*places piece"]


def choice_of(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Choice | None:
    """The pieces of this call of a function; None where the function is not one that is known to be piecewise linear.

    Known are ReLU, leaky ReLU, RReLU (evaluation mode), PReLU, ReLU6, hardtanh, clamp, abs, softshrink, maximum,
    minimum, amax, amin and max pooling; with a single axis where there is one.
    """
    make = _CHOICES.get(function)
    return None if make is None else make(*args, **kwargs)


def _relu(input: Tensor, inplace: bool = False) -> Choice:
    return _greatest(input, torch.zeros_like(input))


def _leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Choice:
    return _by_sign(input, negative_slope * input, input)


def _rrelu(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False
) -> Choice:
    return _leaky_relu(input, (lower + upper) / 2)


def _prelu(input: Tensor, weight: Tensor) -> Choice:
    slopes = weight.reshape(-1, *(1 for _ in input.shape[2:])) if weight.numel() > 1 else weight
    return _by_sign(input, slopes * input, input)


def _abs(input: Tensor) -> Choice:
    return _by_sign(input, -input, input)


def _clamp(input: Tensor, min: float | Tensor | None = None, max: float | Tensor | None = None) -> Choice:
    if min is None or max is None:
        bound = _bound(input, max if min is None else min)
        return _least(input, bound) if min is None else _greatest(input, bound)
    low, high = _bound(input, min), _bound(input, max)
    scores = torch.stack([low - input, torch.zeros_like(input), input - high], dim=-1)
    return Choice(scores, torch.stack([low, input, high], dim=-1))


def _hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Choice:
    return _clamp(input, min_val, max_val)


def _relu6(input: Tensor, inplace: bool = False) -> Choice:
    return _clamp(input, 0.0, 6.0)


def _softshrink(input: Tensor, lambd: float = 0.5) -> Choice:
    zero = torch.zeros_like(input)
    scores = torch.stack([-lambd - input, zero, input - lambd], dim=-1)
    return Choice(scores, torch.stack([input + lambd, zero, input - lambd], dim=-1))


def _maximum(input: Tensor, other: Tensor) -> Choice:
    return _greatest(input + torch.zeros_like(other), other + torch.zeros_like(input))


def _minimum(input: Tensor, other: Tensor) -> Choice:
    return _least(input + torch.zeros_like(other), other + torch.zeros_like(input))


def _amax(input: Tensor, dim: int | tuple[int, ...] = (), keepdim: bool = False) -> Choice:
    if not isinstance(dim, int):
        raise ValueError(f"a maximum over the axes {dim} is known here over one axis alone: flatten them first")
    _check_axis(input, dim)
    pieces = input.movedim(dim, -1)
    pieces = pieces.unsqueeze(dim if dim >= 0 else dim - 1) if keepdim else pieces
    return Choice(pieces, pieces)


def _amin(input: Tensor, dim: int, keepdim: bool = False) -> Choice:
    pieces = _amax(input, dim, keepdim).values
    return Choice(-pieces, pieces)


def _max_pool(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    *,
    axes: int,
) -> Choice:
    windows = pooling_windows(
        input.shape[2:], axes, kernel_size, kernel_size if stride is None else stride, padding, dilation, ceil_mode
    )
    pieces = input.flatten(2)[:, :, windows.to(input.device)]
    return Choice(pieces, pieces)


def _check_axis(input: Tensor, dim: int) -> None:
    if dim % input.dim() == 0:
        raise ValueError("a maximum over the axis of the examples is no function of one input: take another axis")


def _bound(input: Tensor, value: float | Tensor | None) -> Tensor:
    return torch.zeros_like(input) + (0.0 if value is None else value)


def _by_sign(input: Tensor, negative: Tensor, positive: Tensor) -> Choice:
    return Choice(torch.stack([-input, input], dim=-1), torch.stack([negative, positive], dim=-1))


def _greatest(first: Tensor, second: Tensor) -> Choice:
    pieces = torch.stack([first, second], dim=-1)
    return Choice(pieces, pieces)


def _least(first: Tensor, second: Tensor) -> Choice:
    pieces = torch.stack([first, second], dim=-1)
    return Choice(-pieces, pieces)


def _pool1d(*args: Any, **kwargs: Any) -> Choice:
    return _max_pool(*args, axes=1, **kwargs)


def _pool2d(*args: Any, **kwargs: Any) -> Choice:
    return _max_pool(*args, axes=2, **kwargs)


def _pool3d(*args: Any, **kwargs: Any) -> Choice:
    return _max_pool(*args, axes=3, **kwargs)


_CHOICES: dict[Any, Callable[..., Choice]] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_), _relu),
    **dict.fromkeys((F.leaky_relu, F.leaky_relu_), _leaky_relu),
    **dict.fromkeys((F.rrelu, torch.rrelu), _rrelu),
    **dict.fromkeys((F.prelu, torch.prelu, Tensor.prelu), _prelu),
    **dict.fromkeys((torch.abs, Tensor.abs, Tensor.abs_, Tensor.__abs__), _abs),
    **dict.fromkeys((torch.clamp, torch.clip, Tensor.clamp, Tensor.clamp_, Tensor.clip), _clamp),
    **dict.fromkeys((torch.clamp_min, Tensor.clamp_min), lambda input, min: _clamp(input, min=min)),
    **dict.fromkeys((torch.clamp_max, Tensor.clamp_max), lambda input, max: _clamp(input, max=max)),
    **dict.fromkeys((F.hardtanh, F.hardtanh_), _hardtanh),
    **dict.fromkeys((torch.maximum, Tensor.maximum), _maximum),
    **dict.fromkeys((torch.minimum, Tensor.minimum), _minimum),
    **dict.fromkeys((torch.amax, Tensor.amax), _amax),
    **dict.fromkeys((torch.amin, Tensor.amin), _amin),
    **dict.fromkeys((F.max_pool1d, torch.max_pool1d), _pool1d),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), _pool2d),
    **dict.fromkeys((F.max_pool3d, torch.max_pool3d), _pool3d),
    F.relu6: _relu6,
    F.softshrink: _softshrink,
}


IN_PLACE = frozenset({F.relu_, torch.relu_, Tensor.relu_, F.leaky_relu_, Tensor.abs_, Tensor.clamp_, F.hardtanh_})
"""Those that overwrite what they are given; others do so where ``inplace`` is true."""
