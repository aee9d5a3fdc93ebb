"""Ten operations, each with a backward that is wrong in one argument; the forward is right."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


class LinearTransposed(Function):
    """The gradient of a square weight is transposed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x @ weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        return grad @ weight.T, (x.T @ grad).T


class BiasForgotten(Function):
    """The gradient of the bias is left out."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        return x + weight[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


class BiasMeanNotSum(Function):
    """The gradient of the bias is a mean over the batch."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        return x + weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, grad.mean(0, keepdim=True).expand_as(grad)


class ScaleSumsWrongAxis(Function):
    """The gradient of a scale per column is summed over the columns."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x * weight[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        wrong = torch.zeros_like(weight)
        wrong[0] = (grad * x).sum(1)
        return grad * weight[0], wrong


class TanhWithoutSquare(Function):
    """1 − y in place of 1 − y²."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        y = torch.tanh(weight)
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, y = ctx.saved_tensors
        return grad * y, grad * x * (1 - y)


class SigmoidWrongSign(Function):
    """The sign is wrong."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        y = torch.sigmoid(weight)
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, y = ctx.saved_tensors
        return grad * y, grad * x * y * (y - 1)


class ReluMaskInverted(Function):
    """The gradient goes through where the unit is off."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x * weight.relu()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        return grad * weight.relu(), grad * x * (weight < 0)


class SoftmaxDiagonalOnly(Function):
    """The term −q Σ q·grad of the softmax is missing."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        q = weight.softmax(1)
        ctx.save_for_backward(x, q)
        return x * q

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, q = ctx.saved_tensors
        return grad * q, q * (grad * x)


class SquareTenthOfAPercentOff(Function):
    """The factor is 2.002."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x + weight**2

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        _, weight = ctx.saved_tensors
        return grad, 2.002 * weight * grad


class OneEntryOff(Function):
    """One entry is twice what it should be."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return x * weight

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        wrong = grad * x
        wrong[7, 3] *= 2
        return grad * weight, wrong


MISTAKES = (
    LinearTransposed, BiasForgotten, BiasMeanNotSum, ScaleSumsWrongAxis, TanhWithoutSquare, SigmoidWrongSign,
    ReluMaskInverted, SoftmaxDiagonalOnly, SquareTenthOfAPercentOff, OneEntryOff,
)  # fmt: skip
