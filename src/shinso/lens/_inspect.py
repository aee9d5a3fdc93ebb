"""Lenses on a model at rest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from shinso.lens._due_step import DueStep
from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._lens import Lens, Need, Reading
from shinso.lens._other_generators import other_generators_unmoved
from shinso.lens._probe import Loss, Probe, RandomStates, arguments
from shinso.lens._step import Step
from shinso.lens._subject import parameters_of, unwrapped


def inspect(model: nn.Module, loss: Loss, inputs: Any, targets: Any, lenses: Sequence[Lens]) -> dict[str, Reading]:
    """What the lenses read of a model in eval mode on one batch, by name; the model is left as it was.

    ``loss`` is a function of outputs and targets to the mean over the examples. Raises ValueError for a lens that
    reads what a step of training changed, and for two lenses of one name.

    >>> from shinso.lens import GradientFlow
    >>> from torch.nn import functional as F
    >>> readings = inspect(nn.Linear(3, 2), F.mse_loss, torch.ones(4, 3), torch.ones(4, 2), [GradientFlow()])
    >>> readings["gradient_norm"].labels
    ('weight', 'bias')
    """
    for place, lens in enumerate(lenses):
        if Need.PARAMETERS_AFTER in lens.needs:
            raise ValueError(f"the lens {lens.name!r} reads what a step changed: use it with watch, during training")
        if lens.name in [other.name for other in lenses[:place]]:
            raise ValueError(f"two lenses are named {lens.name!r}, and would overwrite each other's readings: keep one")
    if torch.is_inference_mode_enabled():
        raise ValueError("no derivative can be taken under torch.inference_mode(): call inspect outside of it")
    subject = unwrapped(model)
    needs = frozenset[Need]().union(*(lens.needs for lens in lenses))
    with _at_rest(subject):
        probe = Probe(subject, loss, inputs, targets)
        step = Step(0, inputs, targets, needs, parameters_of(subject), probe)
        due = DueStep(step, lenses, subject, None)
        positional, by_name = arguments(inputs)
        with due.watched(), torch.enable_grad():
            value = loss(subject(*positional, **by_name), targets)
            # Of a model that is frozen as a whole there are no gradients to take.
            if value.requires_grad:
                value.backward()  # type: ignore[no-untyped-call]
    return due.readings


@contextmanager
def _at_rest(model: nn.Module) -> Iterator[None]:
    """In eval mode and without gradients while the context lasts; buffers and random state are put back as well."""
    gradients = {parameter: parameter.grad for parameter in model.parameters()}
    buffers = [(module, *named) for module in model.modules() for named in module.named_buffers(recurse=False)]
    values = [buffer.clone() for _, _, buffer in buffers]
    for parameter in gradients:
        parameter.grad = None
    try:
        with in_eval_mode(model), RandomStates(model).put_back(), other_generators_unmoved():
            yield
    finally:
        for parameter, gradient in gradients.items():
            parameter.grad = gradient
        for (module, name, buffer), value in zip(buffers, values, strict=True):
            _put_back(module, name, buffer, value)


@torch.no_grad()
def _put_back(module: nn.Module, name: str, buffer: Tensor, value: Tensor) -> None:
    # Written to only where it changed: a graph of the caller's may hold it.
    if not torch.equal(buffer, value):
        buffer.copy_(value)
    if getattr(module, name) is not buffer:
        setattr(module, name, buffer)
