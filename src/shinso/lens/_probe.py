"""The model of a step as a function of its parameters, to be run again without a trace in the training."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from shinso._run_with import run_with
from shinso.lens._capture import looking_away
from shinso.lens._checkpointing import refusing_checkpointing
from shinso.lens._nested import with_tensors
from shinso.lens._other_generators import OtherGenerators
from shinso.lens._subject import without_wrappers

Loss = Callable[[Any, Any], Tensor]
"""From the model's outputs and the targets to the mean loss of the examples."""
Parameters = Mapping[str, Shaped[Tensor, "..."]]
"""Tensors by the names of the model's trained parameters."""


class Probe:
    """A model, a batch and a loss, run again in the mode in which the model is (training or evaluation).

    Running it writes no buffer (running statistics), no gradient, no input, and no random state, and no watch sees it;
    dropout draws the same mask each time, so that the loss is a function of the parameters. Autocast is off. Whether
    derivatives can be taken is as in any torch code: lenses are read under ``torch.no_grad()``.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        inputs: Any,
        targets: Any,
        random_states: "RandomStates | None" = None,
        trained: "Trained | None" = None,
    ) -> None:
        self.model = model
        self.inputs = inputs
        self.targets = targets
        self._random_states = RandomStates(model) if random_states is None else random_states
        self._loss = loss
        self.loss_function: Loss = _UnnoticedLoss(loss, self._random_states)
        """From outputs and targets; with the same care, for a loss may draw numbers too."""
        self._trained = _trained(model) if trained is None else trained

    @property
    def parameters(self) -> dict[str, Shaped[Tensor, "..."]]:
        """The trained parameters as they are now; not copies."""
        return {short: parameter.detach() for short, (_, parameter) in self._trained.items()}

    def outputs(self, parameters: Parameters | None = None) -> Any:
        """What the model makes of the batch, at other values of some or all of the parameters where they are given.

        Raises KeyError for a name that is no trained parameter.
        """
        replaced = {self._trained[name][0]: value for name, value in (parameters or {}).items()}
        buffers = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        with _unnoticed(self._random_states, self.model):
            # Copies, because a model may write into what it is given.
            inputs = with_tensors(self.inputs, Tensor.clone)
            return run_with(self.model, {**buffers, **replaced}, *arguments(inputs))

    def loss(self, parameters: Parameters | None = None) -> Float[Tensor, ""]:
        """The mean loss of the batch."""
        return self.loss_function(self.outputs(parameters), self.targets)

    def gradient(self, parameters: Parameters | None = None) -> dict[str, Shaped[Tensor, "..."]]:
        """The gradient of the loss by parameter; zero where the loss does not depend on one."""
        return self.loss_and_gradient(parameters)[1]

    def loss_and_gradient(
        self, parameters: Parameters | None = None
    ) -> tuple[Float[Tensor, ""], dict[str, Shaped[Tensor, "..."]]]:
        """The loss and its gradient, at the parameters as they are except for those given."""
        at = {
            name: value.detach().requires_grad_() for name, value in {**self.parameters, **(parameters or {})}.items()
        }
        with torch.enable_grad():
            loss = self.loss(at)
            gradients = torch.autograd.grad(loss, list(at.values()), materialize_grads=True)
        return loss.detach(), dict(zip(at, gradients, strict=True))

    def on(self, inputs: Any, targets: Any) -> "Probe":
        """The same model and loss on another batch."""
        return Probe(self.model, self._loss, inputs, targets, self._random_states, self._trained)


Trained = Mapping[str, tuple[str, nn.Parameter]]
"""The trained parameters with their names in the model, by their names without wrappers."""


def _trained(model: nn.Module) -> Trained:
    named = model.named_parameters()
    return {without_wrappers(name): (name, parameter) for name, parameter in named if parameter.requires_grad}


class RandomStates:
    """The states of torch's generators of the CPU and of the model's device, and of others, when this was made."""

    def __init__(self, model: nn.Module, others: OtherGenerators | None = None) -> None:
        self.device = next(model.parameters()).device
        self.others = others or OtherGenerators()
        self.others.start_here()
        self._on_cuda = [self.device] if self.device.type == "cuda" else []
        self._states = torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in self._on_cuda)

    @contextmanager
    def put_back(self) -> Iterator[None]:
        """Draw from these states while the context lasts, and leave the generators as they were."""
        with torch.random.fork_rng(self._on_cuda):
            torch.set_rng_state(self._states[0])
            for device, state in zip(self._on_cuda, self._states[1:], strict=True):
                torch.cuda.set_rng_state(state, device)
            yield


@contextmanager
def _unnoticed(random_states: RandomStates, function: Callable[..., Any]) -> Iterator[None]:
    autocast, others = torch.autocast(random_states.device.type, enabled=False), random_states.others.put_back(function)
    with looking_away(), random_states.put_back(), others, autocast, refusing_checkpointing():
        yield


@dataclass(frozen=True)
class _UnnoticedLoss:
    loss: Loss
    random_states: RandomStates

    def __call__(self, outputs: Any, targets: Any) -> Tensor:
        with _unnoticed(self.random_states, self.loss):
            return self.loss(outputs, targets)


def arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with which a model is called: positional for a tuple or list, by name for a mapping."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)), {}
