"""Which entries each window of a pooling layer sees."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor


def pooling_windows(
    sizes: Sequence[int], axes: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> Int[Tensor, "*outputs entry"]:
    """The places of each window's entries among the flattened positions, as torch's max pooling has them.

    Places in the padding are replaced by one inside, which leaves the maximum as it is.
    """
    places = torch.zeros((), dtype=torch.long)
    inside = torch.ones((), dtype=torch.bool)
    for axis, size in enumerate(sizes):
        kernel, step, pad, apart = (_of(value, axis, axes) for value in (kernel_size, stride, padding, dilation))
        along = _along(size, kernel, step, pad, apart, ceil_mode)
        outputs, entries = places.dim() // 2, places.dim() // 2
        # Axes so far are outputs then entries; the new pair goes between and after them.
        shape = (1,) * outputs + (len(along),) + (1,) * entries + (kernel,)
        old = (*places.shape[:outputs], 1, *places.shape[outputs:], 1)
        places = places.reshape(old) * size + along.clamp(0, size - 1).reshape(shape)
        inside = inside.reshape(old) & ((along >= 0) & (along < size)).reshape(shape)
    places, inside = places.flatten(len(sizes)), inside.flatten(len(sizes))
    first = places.gather(-1, inside.long().argmax(dim=-1, keepdim=True))
    return torch.where(inside, places, first)


def _along(size: int, kernel: int, step: int, pad: int, apart: int, ceil_mode: bool) -> Int[Tensor, "output entry"]:
    room = size + 2 * pad - apart * (kernel - 1) - 1
    count = (-(-room // step) if ceil_mode else room // step) + 1
    if ceil_mode and (count - 1) * step >= size + pad:
        count -= 1  # a window has to start inside or in the padding before
    return (torch.arange(count) * step - pad)[:, None] + torch.arange(kernel) * apart


def _of(value: Any, axis: int, axes: int) -> int:
    values = (value,) * axes if isinstance(value, int) else tuple(value)
    return int((values * axes if len(values) == 1 else values)[axis])
