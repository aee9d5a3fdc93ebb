"""Mixed pooling (Yu et al., 2014, "Mixed pooling for convolutional neural networks"; lecture 003, figure 16)."""

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.nn import functional as F  # noqa: N812

from shinso.nn._pair import IntPair, positive_pair
from shinso.nn.pooling._windows import described


def mixed_pool2d(
    x: Float[Tensor, "batch channel height width"],
    kernel_size: IntPair,
    stride: IntPair | None = None,
    *,
    probability: float = 0.5,
    shared_dims: Collection[int] = (2, 3),
    generator: Generator | None = None,
) -> Float[Tensor, "batch channel h w"]:
    """λ max + (1 - λ) average of each window, where λ is 1 with that probability and otherwise 0.

    Along ``shared_dims`` of the output one λ is drawn for all: ``(2, 3)`` draws one for each map of each example,
    ``(0, 1, 2, 3)`` one for the whole layer, ``()`` one for each window. The gradient goes through what was drawn.
    """
    _check_probability(probability)
    largest, average = _max_and_average(x, kernel_size, stride)
    shape = [1 if dim in shared_dims else size for dim, size in enumerate(largest.shape)]
    drawn = torch.rand(shape, device=x.device, generator=generator) < probability
    return torch.where(drawn, largest, average)


def expected_mixed_pool2d(
    x: Float[Tensor, "batch channel height width"],
    kernel_size: IntPair,
    stride: IntPair | None = None,
    *,
    probability: float = 0.5,
) -> Float[Tensor, "batch channel h w"]:
    """The expectation of ``mixed_pool2d``: probability · max + (1 - probability) · average of each window."""
    _check_probability(probability)
    largest, average = _max_and_average(x, kernel_size, stride)
    return probability * largest + (1 - probability) * average


class MixedPool2d(nn.Module):
    """Max or average pooling, drawn anew at each forward in training; its expectation in evaluation.

    By default one draw for each map of each example; ``shared_dims`` as in ``mixed_pool2d``. The paper instead counts
    the draws of training and evaluates with whichever was more frequent. Maps ``[batch, channel, height, width]`` to
    ``[batch, channel, height', width']``.
    """

    def __init__(
        self,
        kernel_size: IntPair,
        stride: IntPair | None = None,
        *,
        probability: float = 0.5,
        shared_dims: Collection[int] = (2, 3),
    ) -> None:
        super().__init__()
        _check_probability(probability)
        if not set(shared_dims) <= {0, 1, 2, 3}:
            raise ValueError(f"shared_dims must be among 0, 1, 2, 3 (batch, channel, height, width); got {shared_dims}")
        self.kernel_size = positive_pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else positive_pair("stride", stride)
        self.probability = probability
        self.shared_dims = tuple(shared_dims)

    def forward(self, x: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch channel h w"]:
        if not self.training:
            return expected_mixed_pool2d(x, self.kernel_size, self.stride, probability=self.probability)
        return mixed_pool2d(
            x, self.kernel_size, self.stride, probability=self.probability, shared_dims=self.shared_dims
        )

    def extra_repr(self) -> str:
        window = described(self.kernel_size, self.stride)
        return f"{window}, probability={self.probability}, shared_dims={self.shared_dims}"


def _max_and_average(x: Tensor, kernel_size: IntPair, stride: IntPair | None) -> tuple[Tensor, Tensor]:
    return F.max_pool2d(x, kernel_size, stride), F.avg_pool2d(x, kernel_size, stride)


def _check_probability(probability: float) -> None:
    if not 0 <= probability <= 1:
        raise ValueError(f"probability of max pooling must be from 0 to 1; got {probability}")
