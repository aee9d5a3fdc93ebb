"""Weights in 8 and 16 bits (Jacob et al., 2018, "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", arXiv 1712.05877; lecture 003, figure 16, low precision).
"""

from typing import Any

import torch
from jaxtyping import BFloat16, Float
from torch import Tensor, nn

from shinso.nn.compression.stored_weights import TRANSPOSED, stored_layers, with_stored_weights

_LARGEST = 127


class Int8Weight(nn.Module):
    """A weight as integers from −127 to 127 times a scale for each slice along ``axis``: a parametrization.

    Stored are the integers, a buffer, and the scales, which take the place of the weight as a parameter.
    """

    integers: Tensor

    def __init__(self, axis: int = 0) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, scale: Float[Tensor, "*ones"]) -> Float[Tensor, "*shape"]:
        return self.integers.to(scale.dtype) * scale

    def right_inverse(self, weight: Float[Tensor, "*shape"]) -> Float[Tensor, "*ones"]:
        """The scales with which the largest magnitude of each slice is 127; the integers are the nearest ones."""
        if not weight.isfinite().all():
            raise ValueError("a weight is not finite; it has no 8-bit integers")
        scale = _scale(weight, [axis for axis in range(weight.ndim) if axis != self.axis])
        self.register_buffer("integers", _integers(weight, scale).to(torch.int8))
        return scale


class BFloat16Weight(nn.Module):
    """A weight stored as bfloat16 and used in the type it had: a parametrization."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, weight: BFloat16[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return weight.to(self.dtype)

    def right_inverse(self, weight: Float[Tensor, "*shape"]) -> tuple[BFloat16[Tensor, "*shape"]]:
        # torch takes another type than the weight's from a tuple only.
        return (weight.to(torch.bfloat16),)


def quantize_weights(network: nn.Module) -> nn.Module:
    """A copy whose linear layers and convolutions store their weights as int8, with a scale for each output channel.

    An entry is off by at most half a scale, max|w|/254 of its channel. Raises ValueError for weights that are not
    finite. For size and accuracy: the products are computed in the type of the network.
    """
    return with_stored_weights(network, lambda layer: Int8Weight(1 if isinstance(layer, TRANSPOSED) else 0))


def quantize_dynamically(network: nn.Module) -> nn.Module:
    """The same, and the input of each such layer rounded to 8 bits when it comes, with a scale for each example.

    Each product is then one of integers times two scales, up to the rounding of the network's type.
    """
    result = quantize_weights(network)
    for layer in stored_layers(result):
        layer.register_forward_pre_hook(_round_input)
    return result


def store_as_bfloat16(network: nn.Module) -> nn.Module:
    """A copy whose linear layers and convolutions store their weights as bfloat16, and compute in the type they had.

    For arithmetic in bfloat16 too there is ``network.to(torch.bfloat16)``.
    """
    return with_stored_weights(network, lambda layer: BFloat16Weight(layer.weight.dtype))  # type: ignore[arg-type]


def round_to_int8(x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
    """x with each value at the nearest of the 255 multiples of 1/127 of the largest magnitude in its example."""
    scale = _scale(x, list(range(1, x.ndim)))
    return _integers(x, scale).to(x.dtype) * scale


def _round_input(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (round_to_int8(inputs[0]), *inputs[1:])


def _integers(x: Tensor, scale: Tensor) -> Tensor:
    # In 16 bits the scale is rounded itself, for tiny values by so much that the quotient is beyond int8.
    dtype = torch.promote_types(x.dtype, torch.float32)
    return (x.to(dtype) / scale.to(dtype)).round().clamp(-_LARGEST, _LARGEST)


def _scale(x: Tensor, dim: list[int]) -> Tensor:
    largest = x.abs().amax(dim, keepdim=True) if dim else x.abs()
    scale = largest / _LARGEST
    # Of zeros, and of values too small to have a scale, all integers are 0.
    return torch.where(scale > 0, scale, 1.0)
