"""Rademacher complexity: how well functions fit random signs."""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens.generalization._estimate import Estimate, estimated_mean

Fit = Callable[[Any, Float[Tensor, " examples"]], Shaped[Tensor, " examples"]]
"""From inputs and ±1 for each to the values h(x) of the function of a class that fits them best."""

_MOST_EXAMPLES = 20


def rademacher_complexity(outputs: Shaped[Tensor, "functions examples"]) -> float:
    """R_N = E_σ[sup_h (1/N) Σ σᵢ h(xᵢ)] of functions given by their values, over all 2^N signs, in float64.

    0 for one function, 1 where the functions make all ± patterns. Of the values on these N points only: the
    complexity of a class is the mean over draws of points. Raises ValueError for more than 20 examples or no functions.

    Source: lecture 003 §2.2 eq. 26-28 (the factor in eq. 27 should read ¼; the 0 is right).

    >>> rademacher_complexity(torch.tensor([[1, 1]]))
    0.0
    >>> rademacher_complexity(torch.tensor([[1, 1], [-1, -1]]))
    0.5
    >>> rademacher_complexity(torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]]))
    1.0
    """
    _check(outputs)
    examples = outputs.shape[1]
    if examples > _MOST_EXAMPLES:
        raise ValueError(
            f"{examples} examples have 2^{examples} sign patterns; the exact sum goes up to {_MOST_EXAMPLES}: use "
            "estimated_rademacher_complexity"
        )
    values, total = outputs.double(), 0.0
    for start in range(0, 2**examples, 2**14):
        patterns = torch.arange(start, min(start + 2**14, 2**examples), device=outputs.device)
        bits = patterns[:, None] >> torch.arange(examples, device=outputs.device) & 1
        total += (values @ (2.0 * bits.double() - 1).mT).amax(0).sum().item()
    return float(total / 2**examples / examples)


def estimated_rademacher_complexity(
    outputs: Shaped[Tensor, "functions examples"], draws: int = 1000, seed: int = 0
) -> Estimate:
    """``rademacher_complexity`` as the mean over random signs, for any number of examples."""
    _check(outputs)
    signs = [_signs(outputs.shape[1], seed, draw) for draw in range(draws)]
    values = [(outputs.double() @ sign.to(outputs.device)).amax().item() / outputs.shape[1] for sign in signs]
    return estimated_mean(values)


def rademacher_complexity_by_fitting(fit: Fit, inputs: Any, examples: int, draws: int = 10, seed: int = 0) -> Estimate:
    """An estimate from below of R_N of the class that ``fit`` searches, on these ``examples`` inputs.

    Each draw asks ``fit`` for the function of the class that agrees best with random signs; any loss will do, but a fit
    that stops short of the supremum makes the estimate too low: a small value may mean simple functions or poor
    training. Near 1 the class can memorise these points, and no bound by R_N says anything (lecture 003 §2.3, Zhang
    et al. 2017 §2.2).

    Raises ValueError for values that are not finite or not one for each example.
    """
    if examples < 1:
        raise ValueError(f"Rademacher complexity needs at least one example; got {examples}")
    values = []
    for draw in range(draws):
        signs = _signs(examples, seed, draw)
        predictions = torch.as_tensor(fit(inputs, signs)).detach().to(signs)
        if predictions.shape != signs.shape or not predictions.isfinite().all():
            raise ValueError(
                f"fit has to return one finite value for each of the {examples} examples; got the shape "
                f"{tuple(predictions.shape)}" + ("" if predictions.isfinite().all() else " with values not finite")
            )
        values.append((signs @ predictions).item() / examples)
    return estimated_mean(values)


def massart_bound(dimension: int, examples: int) -> float:
    """√(2 ln Π / N) ≥ R_N for ±1 functions of VC dimension V, with Π = Σ_{i≤V} C(N, i) patterns at most.

    It makes the constant of lecture 003 eq. 30 explicit (Massart's and Sauer's lemmas). Raises ValueError for a
    negative dimension or no examples.

    >>> round(massart_bound(3, 1000), 3)
    0.195
    """
    if dimension < 0 or examples < 1:
        raise ValueError(f"expected a dimension >= 0 and at least one example; got {dimension} and {examples}")
    patterns = sum(math.comb(examples, chosen) for chosen in range(min(dimension, examples) + 1))
    return math.sqrt(2 * math.log(patterns) / examples)


def _signs(examples: int, seed: int, draw: int) -> Float[Tensor, " examples"]:
    generator = torch.Generator().manual_seed(seed * 1_000_003 + draw)
    return torch.randint(2, (examples,), generator=generator).double() * 2 - 1


def _check(outputs: Tensor) -> None:
    if 0 in outputs.shape:
        raise ValueError(f"expected at least one function and one example; got values of shape {tuple(outputs.shape)}")
    if not outputs.isfinite().all():
        raise ValueError("some values of the functions are NaN or infinite")
