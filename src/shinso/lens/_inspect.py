"""Lenses on a model at rest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from shinso.lens._due_step import DueStep
from shinso.lens._lens import Lens, Need, Reading
from shinso.lens._probe import Loss, Probe, arguments
from shinso.lens._step import Step
from shinso.lens._subject import parameters_of, unwrapped


def inspect(model: nn.Module, loss: Loss, inputs: Any, targets: Any, lenses: Sequence[Lens]) -> dict[str, Reading]:
    """What the lenses read of a model in eval mode on one batch, by name; the model is left as it was.

    ``loss`` is a function of outputs and targets to the mean over the examples. Raises ValueError for a lens that
    reads what a step of training changed.

    >>> from shinso.lens import GradientFlow
    >>> from torch.nn import functional as F
    >>> readings = inspect(nn.Linear(3, 2), F.mse_loss, torch.ones(4, 3), torch.ones(4, 2), [GradientFlow()])
    >>> readings["gradient_norm"].labels
    ('weight', 'bias')
    """
    for lens in lenses:
        if Need.PARAMETERS_AFTER in lens.needs:
            raise ValueError(f"the lens {lens.name!r} reads what a step changed: use it with watch, during training")
    subject = unwrapped(model)
    needs = frozenset[Need]().union(*(lens.needs for lens in lenses))
    with _at_rest(subject):
        probe = Probe(subject, loss, inputs, targets)
        step = Step(0, inputs, targets, needs, parameters_of(subject), probe)
        due = DueStep(step, lenses, subject, None)
        positional, by_name = arguments(inputs)
        with due.watched(), torch.enable_grad():
            loss(subject(*positional, **by_name), targets).backward()  # type: ignore[no-untyped-call]
    return due.readings


@contextmanager
def _at_rest(model: nn.Module) -> Iterator[None]:
    """In eval mode and without gradients while the context lasts."""
    modes = {module: module.training for module in model.modules()}
    gradients = {parameter: parameter.grad for parameter in model.parameters()}
    model.eval()
    for parameter in gradients:
        parameter.grad = None
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
