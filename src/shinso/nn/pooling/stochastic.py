"""Stochastic pooling (Zeiler and Fergus, 2013, "Stochastic pooling for regularization of deep convolutional neural
networks", arXiv 1301.3557; lecture 003, figure 16).
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from shinso.nn._pair import IntPair, positive_pair
from shinso.nn.pooling._windows import described, windows


def stochastic_pool2d(
    x: Float[Tensor, "*batch height width"],
    kernel_size: IntPair,
    stride: IntPair | None = None,
    *,
    generator: Generator | None = None,
) -> Float[Tensor, "*batch h w"]:
    """One activation of each window, drawn with the probability a_i / Σ a.

    The gradient goes to the activation that was drawn. For activations that are not negative: negative ones count as
    0, and a window without positive ones gives 0. Raises ValueError where no window fits.
    """
    activations = windows(x, kernel_size, kernel_size if stride is None else stride).clamp(min=0)
    # The largest of a_i / e_i, with e_i exponential: the first to ring of clocks with rates a_i, hence i with
    # probability a_i / Σ a. No sum is formed, so that nothing is lost to rounding or to a window of zeros.
    precise = activations.detach().to(torch.promote_types(x.dtype, torch.float32))
    drawn = (precise / torch.empty_like(precise).exponential_(generator=generator)).argmax(-1, keepdim=True)
    return activations.gather(-1, drawn).squeeze(-1)


def expected_stochastic_pool2d(
    x: Float[Tensor, "*batch height width"], kernel_size: IntPair, stride: IntPair | None = None
) -> Float[Tensor, "*batch h w"]:
    """The expectation of ``stochastic_pool2d``: Σ a² / Σ a over each window, and 0 for a window of zeros.

    The gradient of such a window is 0. Raises ValueError where no window fits.
    """
    activations = windows(x, kernel_size, kernel_size if stride is None else stride).clamp(min=0)
    total = activations.sum(-1, keepdim=True)
    probabilities = activations / total.masked_fill(total == 0, 1)
    return (probabilities * activations).sum(-1)


class StochasticPool2d(nn.Module):
    """In training one activation of each window, drawn in proportion to its size; in evaluation the expectation.

    For activations that are not negative, as after a ReLU; negative ones count as 0. Maps ``[…, height, width]`` to
    ``[…, height', width']``.
    """

    def __init__(self, kernel_size: IntPair, stride: IntPair | None = None) -> None:
        super().__init__()
        self.kernel_size = positive_pair("kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else positive_pair("stride", stride)

    def forward(self, x: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch h w"]:
        pool = stochastic_pool2d if self.training else expected_stochastic_pool2d
        return pool(x, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return described(self.kernel_size, self.stride)
