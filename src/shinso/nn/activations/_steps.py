"""The binary step (lecture 004 section 6.3.3), and the same with a gradient to train by."""

from jaxtyping import Float
from torch import Tensor, nn


def binary_step(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """0 for x < 0 and 1 for x ≥ 0; its derivative is 0, at the step too, where the lecture leaves it open.

    Unlike ``torch.heaviside`` it can stand in a network whose gradient is computed.
    """
    return (x.sign() + 1).clamp(max=1)


def straight_through_step(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The binary step, with 1 for its derivative: the gradient passes as if the step were not there.

    Bengio et al. (2013, "Estimating or Propagating Gradients Through Stochastic Neurons", arXiv 1308.3432, section 4),
    who took it from Hinton's lectures.
    """
    # The difference is exactly 0 for finite x, so the value is exactly the step's.
    return binary_step(x) + (x - x.detach())


class BinaryStep(nn.Module):
    """0 for x < 0 and 1 for x ≥ 0, entry by entry: see ``binary_step``."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return binary_step(x)


class StraightThroughStep(nn.Module):
    """The binary step with derivative 1, entry by entry: see ``straight_through_step``."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return straight_through_step(x)
