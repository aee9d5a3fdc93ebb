"""The examples' contributions and their squares, summed, and nothing that it does not take."""

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._call import Pass
from shinso.lens.per_sample._example_gradients import Totals
from shinso.lens.per_sample._reduction import dense
from shinso.lens.per_sample._rules import by_parameter

_TOLERANCE = 0.02


def totals_by_parameter(seen: Pass) -> dict[str, Totals]:
    """The sums over the examples of each entry and of its square, where they are seen, from a pass that was kept."""
    with torch.no_grad():
        return {name: gradients.totals() for name, gradients in by_parameter(seen)[0].items()}


def adds_up(totals: Totals, gradient: Float[Tensor, "..."]) -> bool:
    """Whether the contributions are all there is to the gradient of the parameter; waits for the device."""
    whole = dense(gradient.detach())
    away = torch.linalg.vector_norm(totals.sums.view_as(whole) - whole).square()
    # Beside the examples' own size: of contributions that nearly cancel little is left.
    scale = torch.linalg.vector_norm(whole).square() + totals.square_sums.sum()
    return bool(away <= _TOLERANCE**2 * scale)
