"""The derivative of any activation, and where it is too small to train by (lecture 004 section 6.3)."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def derivative(activation: Callable[[Tensor], Tensor], x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """f'(x) of a pointwise activation f, a module or a function, at each entry of x.

    At a kink it is what torch passes back: for ReLU, |x| and hard tanh 0, for the leaky kinds the slope on the left.
    Itself differentiable: ``derivative(partial(derivative, f), x)`` is f''(x). Of a random activation it is the
    derivative of one draw. Raises ValueError for a function that changes the shape or mixes entries.
    """
    # A copy, for activations that work in place.
    output, pulled_back, *_ = torch.func.vjp(lambda entries: activation(entries.clone()), x)
    if output.shape != x.shape:
        raise ValueError(
            f"a pointwise activation keeps the shape; this one maps {list(x.shape)} to {list(output.shape)}"
        )
    result: Tensor = pulled_back(torch.ones_like(output))[0]
    # f'(x) belongs to each entry alone if and only if it scales with what is passed back to that entry.
    uneven = torch.linspace(1, 2, x.numel(), dtype=output.dtype, device=x.device).reshape(x.shape)
    # Values near the smallest that the type can hold, and those in half precision, are rounded.
    if not torch.allclose(
        pulled_back(uneven)[0], uneven * result, rtol=8 * torch.finfo(x.dtype).eps, atol=1e-6, equal_nan=True
    ):
        raise ValueError(
            "this activation mixes entries of its input, as softmax does, so it has a Jacobian matrix and no "
            "derivative at each entry; torch.func.jacrev computes it"
        )
    return result


def saturated(
    activation: Callable[[Tensor], Tensor], x: Float[Tensor, "*shape"], below: float = 0.01
) -> Bool[Tensor, "*shape"]:
    """Whether |f'(x)| is smaller than ``below``: the entries through which hardly any gradient passes.

    For the logistic function and 0.01 that is |x| > 4.6, for tanh |x| > 3.0 (lecture 004 section 6.3.2).
    """
    return derivative(activation, x).abs() < below
