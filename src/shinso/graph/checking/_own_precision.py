"""Whether a gradient that is right in float64 is right in the model's own type."""

import torch
from torch import Tensor

from shinso.graph.checking._gradient_verdict import TensorCheck, Verdict
from shinso.graph.checking._repeatable_loss import RepeatableLoss
from shinso.graph.checking._worst_entry import entry_of


def with_own_precision(
    rows: list[TensorCheck], wide: RepeatableLoss, own: RepeatableLoss, note: str
) -> tuple[list[TensorCheck], str]:
    """The rows, those with the verdict low precision whose gradient is right in float64 and not in the model's type."""
    reference, gradients = wide.gradients(), own.gradients()
    if _draws_other_numbers(wide, own):
        return (
            rows,
            "float64 and the model's own type draw different random numbers, so that its precision was not checked",
        )
    largest = max(float(gradient.abs().nan_to_num().max()) for gradient in reference.values())
    return [_in_own_precision(row, reference[row.name], gradients[row.name], largest) for row in rows], note


def _in_own_precision(row: TensorCheck, reference: Tensor, gradient: Tensor, largest: float) -> TensorCheck:
    epsilon = torch.finfo(gradient.dtype).eps
    off = (gradient.double() - reference).abs().nan_to_num(float("inf"), float("inf"))
    allowed = max(1e-2, 30 * epsilon) * max(float(reference.abs().nan_to_num().max()), 1e-3 * largest)
    if row.verdict is not Verdict.CORRECT or float(off.max()) <= allowed:
        return row
    index = int(off.argmax())
    found, expected = float(gradient.reshape(-1)[index]), float(reference.reshape(-1)[index])
    worst = entry_of(row.name, reference, index, found, expected)
    return TensorCheck(row.name, row.shape, Verdict.LOW_PRECISION, row.analytic, row.numeric, worst)


def _draws_other_numbers(wide: RepeatableLoss, own: RepeatableLoss) -> bool:
    """Whether the model draws random numbers and they are not the same ones in both types."""
    first, second = (float(loss.value().detach()) for loss in (wide, own))
    return abs(first - second) > 1e-3 * abs(first) and wide.draws_random_numbers()
