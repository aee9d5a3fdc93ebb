"""What each input value adds to the score, from a baseline on."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens.features._at_rest import Model, at_rest
from shinso.lens.features._input_gradient import check_real, input_gradient
from shinso.lens.features._score import Score, checked


def integrated_gradients(
    model: Model,
    inputs: Float[Tensor, "batch *shape"],
    score: Score,
    baseline: Float[Tensor, "..."] | None = None,
    steps: int = 64,
) -> Float[Tensor, "batch *shape"]:
    """(x − b) ∫₀¹ ∇F(b + t (x − b)) dt for each example: attributions that add up to F(x) − F(b).

    ``baseline`` b is what stands for "nothing there", broadcast to the inputs; None means 0, which is black in raw
    images but the mean colour in standardised ones. The integral is taken by Gauss-Legendre quadrature at ``steps``
    points, one gradient each. Check that they add up with ``completeness_gap``, and take more steps if not.

    Everything depends on the baseline: what equals it gets no attribution, so a black object on a black baseline
    vanishes. It explains the model and not the world, and adding up is no proof of being right. Raises ValueError for
    inputs that are not real numbers, and ``steps`` below 1.

    Source: Sundararajan, Taly and Yan 2017, equation 1, proposition 1 (completeness).

    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> _ = torch.nn.init.ones_(model.weight)
    >>> integrated_gradients(model, torch.tensor([[3.0, 4.0]]), lambda outputs: outputs[:, 0] ** 2).round(decimals=3)
    tensor([[21., 28.]])
    """
    check_real(inputs)
    if steps < 1:
        raise ValueError(f"the integral needs at least one step; got {steps}")
    start = _baseline(inputs, baseline)
    total = torch.zeros_like(inputs)
    with at_rest(model) as run:
        for node, weight in zip(*np.polynomial.legendre.leggauss(steps), strict=True):
            place = torch.lerp(start, inputs.detach(), float(node + 1) / 2)
            total += float(weight) / 2 * input_gradient(run, place, score)
    return total * (inputs.detach() - start)


@torch.no_grad()
def completeness_gap(
    model: Model,
    inputs: Float[Tensor, "batch *shape"],
    score: Score,
    attributions: Float[Tensor, "batch *shape"],
    baseline: Float[Tensor, "..."] | None = None,
) -> Float[Tensor, " batch"]:
    """Σ attributions − (F(x) − F(b)) of each example, in units of the score; 0 where attributions add up.

    For integrated gradients a gap of more than a few hundredths of F(x) − F(b) says that there were too few steps, or
    that the score jumps.
    """
    start = _baseline(inputs, baseline)
    with at_rest(model) as run:
        here, there = (checked(score(run(place.clone())), len(inputs)) for place in (inputs, start))
    return attributions.reshape(len(attributions), -1).sum(1) - (here - there)


def _baseline(inputs: Tensor, baseline: Tensor | None) -> Tensor:
    if baseline is None:
        return torch.zeros_like(inputs)
    return baseline.detach().to(inputs).expand_as(inputs)
