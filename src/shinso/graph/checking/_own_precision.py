"""Whether a gradient that is right in float64 is right in the model's own type."""

from collections.abc import Mapping

import torch
from torch import Tensor

from shinso.graph.checking._gradient_verdict import TensorCheck, Verdict
from shinso.graph.checking._repeatable_loss import RepeatableLoss
from shinso.graph.checking._worst_entry import entry_of, step_size

_POINTS = 3


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
    imprecise = _imprecise(reference, gradients)
    for seed in range(_POINTS if imprecise else 0):
        # A unit that rounding puts on the other side of a ReLU or a maximum does so here and not a little further.
        moves = {name: _small_move(leaf, seed) for name, leaf in own.leaves.items()}
        with wide.moved(moves), own.moved(moves):
            imprecise &= _imprecise(wide.gradients(), own.gradients())
    return [
        _low_precision(row, reference[row.name], gradients[row.name])
        if row.name in imprecise and row.verdict is Verdict.CORRECT
        else row
        for row in rows
    ], note


def _imprecise(reference: Mapping[str, Tensor], gradients: Mapping[str, Tensor]) -> set[str]:
    """The tensors whose gradient in the model's own type is far from that in float64."""
    largest = max(float(gradient.abs().nan_to_num().max()) for gradient in reference.values())
    found = set()
    for name, gradient in gradients.items():
        share = max(1e-2, 30 * torch.finfo(gradient.dtype).eps)
        allowed = share * max(float(reference[name].abs().nan_to_num().max()), 1e-3 * largest)
        if float(_distance(gradient, reference[name]).max()) > allowed:
            found.add(name)
    return found


def _distance(gradient: Tensor, reference: Tensor) -> Tensor:
    return (gradient.double() - reference).abs().nan_to_num(float("inf"), float("inf"))


def _small_move(leaf: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
    return (1e-3 * step_size(leaf) * direction).to(leaf)


def _low_precision(row: TensorCheck, reference: Tensor, gradient: Tensor) -> TensorCheck:
    index = int(_distance(gradient, reference).argmax())
    found, expected = float(gradient.reshape(-1)[index]), float(reference.reshape(-1)[index])
    worst = entry_of(row.name, reference, index, found, expected)
    return TensorCheck(row.name, row.shape, Verdict.LOW_PRECISION, row.analytic, row.numeric, worst)


def _draws_other_numbers(wide: RepeatableLoss, own: RepeatableLoss) -> bool:
    """Whether the model draws random numbers and they are not the same ones in both types."""
    first, second = (float(loss.value().detach()) for loss in (wide, own))
    return abs(first - second) > 1e-3 * abs(first) and wide.draws_random_numbers()
