"""One step at which lenses are due: hooks go on, lenses are read as soon as what they need is there, hooks come off."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from shinso.lens._capture import capture
from shinso.lens._lens import CALLS, FORWARD_PASS, Lens, Need, Reading
from shinso.lens._other_generators import other_generators_unmoved
from shinso.lens._step import Step

_BEFORE_THE_UPDATE = CALLS | {Need.GRADIENTS}


class DueStep:
    """Reads lenses during a step; without an optimizer the whole body of the step counts as the update."""

    def __init__(self, step: Step, lenses: Sequence[Lens], model: nn.Module, optimizer: Optimizer | None) -> None:
        self.readings: dict[str, Reading] = {}
        self._step = step
        self._unread = list(lenses)
        self._model = model
        self._optimizer = optimizer
        self._updated = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch the body of the context."""
        with ExitStack() as hooks:
            if self._step.needs & {Need.ACTIVATIONS, Need.UNIT_STATISTICS}:
                hooks.enter_context(capture(self._model, self._step.see_output))
            if self._step.needs & CALLS:
                hooks.enter_context(self._step.see_calls(self._model))
            if self._optimizer is None:
                self._step.keep_parameters()
            else:
                hooks.callback(self._optimizer.register_step_pre_hook(self._before_update).remove)
                hooks.callback(self._optimizer.register_step_post_hook(self._after_update).remove)
            yield
        # What needs the optimizer to have stepped stays unread if it did not.
        self._read(lambda needs: self._optimizer is None or needs <= FORWARD_PASS)

    def _before_update(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._updated:
            return
        self._step.keep_parameters()
        # A closure runs the backward pass within the optimizer's step: the gradients are not there yet. And fused
        # optimizers take the scale out of the gradients of mixed precision only within their step.
        runs_closure = any(callable(argument) for argument in (*args[1:], *kwargs.values()))
        if runs_closure:
            self._step.keep_one_more_pass()
        elif getattr(optimizer, "grad_scale", None) is None:
            # Now and not later, because some optimizers change the gradients.
            self._read(lambda needs: needs & _BEFORE_THE_UPDATE and Need.PARAMETERS_AFTER not in needs)

    def _after_update(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self._updated:
            self._updated = True
            self._read(lambda needs: not needs <= FORWARD_PASS)

    def _read(self, ready: Callable[[frozenset[Need]], object]) -> None:
        due = [lens for lens in self._unread if ready(lens.needs)]
        # Asking for these generators' states takes a while: only where models are run again.
        runs_again = any(Need.PROBE in lens.needs for lens in due)
        with torch.no_grad(), other_generators_unmoved() if runs_again else nullcontext():
            for lens in due:
                self._unread.remove(lens)
                try:
                    self.readings |= _checked(lens, lens.read(self._step))
                except Exception as error:
                    error.add_note(f"raised by the lens {lens.name!r} at step {self._step.number}")
                    raise


def _checked(lens: Lens, readings: Mapping[str, Any]) -> Mapping[str, Reading]:
    for name, reading in readings.items():
        if not isinstance(reading, Reading):
            kind = type(reading).__name__
            raise TypeError(f"the lens {lens.name!r} read {name!r} as a {kind}: return it as Reading(tensor)")
        if reading.labels and tuple(reading.values.shape[:1]) != (len(reading.labels),):
            raise ValueError(
                f"the lens {lens.name!r} read {name!r} of shape {tuple(reading.values.shape)} with "
                f"{len(reading.labels)} labels: the first axis needs one label for each entry"
            )
    return readings
