"""A loss that can be evaluated again and again at moved parameters, without a trace left on the model."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

Loss = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class RepeatableLoss:
    """The loss of a copy of a model on one batch: at the same leaves always the same number, unless it draws random
    numbers from elsewhere than torch.
    """

    leaves: Mapping[str, Tensor]
    """What the loss is differentiated in, by name: parameters, then inputs."""
    evaluate: Callable[[], Tensor]
    buffers: tuple[tuple[nn.Module, str, Tensor], ...]
    devices: frozenset[torch.device]

    def value(self) -> Tensor:
        """The loss, differentiable; each time with the same buffers and the same state of torch's random numbers."""
        for module, name, saved in self.buffers:
            module._buffers[name] = saved.clone()
        with torch_random_state_kept(self.devices), torch.enable_grad():
            return self.evaluate()

    def gradients(self) -> dict[str, Tensor]:
        """The gradient in each leaf by backward; zeros where none arrives."""
        loss = self.value()
        leaves = list(self.leaves.values())
        if not loss.requires_grad:
            return {name: torch.zeros_like(leaf) for name, leaf in self.leaves.items()}
        with torch_random_state_kept(self.devices):
            found = torch.autograd.grad(loss, leaves, allow_unused=True)
        return {
            name: torch.zeros_like(leaf) if gradient is None else gradient.detach()
            for (name, leaf), gradient in zip(self.leaves.items(), found, strict=True)
        }

    def draws_random_numbers(self) -> bool:
        """Whether it draws from torch's global generators."""
        with torch_random_state_kept(self.devices):
            before = _random_states(self.devices)
            self.evaluate()
            after = _random_states(self.devices)
        return not all(map(torch.equal, before, after))

    def along(self, name: str, direction: Tensor) -> Callable[[float], float]:
        """The loss as a function of how far a leaf is moved in a direction."""
        leaf = self.leaves[name]
        start = leaf.detach().clone()

        def line(distance: float) -> float:
            with torch.no_grad():
                leaf.copy_(start + distance * direction)
            try:
                return float(self.value().detach())
            finally:
                with torch.no_grad():
                    leaf.copy_(start)

        return line

    @contextmanager
    def moved(self, displacements: Mapping[str, Tensor]) -> Iterator[None]:
        """Within it the leaves stand at another point."""
        starts = {name: self.leaves[name].detach().clone() for name in displacements}
        with torch.no_grad():
            for name, displacement in displacements.items():
                self.leaves[name].add_(displacement)
        try:
            yield
        finally:
            with torch.no_grad():
                for name, start in starts.items():
                    self.leaves[name].copy_(start)


def repeatable_loss(
    model: Callable[..., Any], inputs: Any, targets: Any, loss: Loss, dtype: torch.dtype | None
) -> RepeatableLoss:
    """The loss of copies of the model, the batch and the loss function, their real numbers of type ``dtype`` if
    given.
    """
    model, loss = _copied(model, dtype), _copied(loss, dtype)
    inputs, targets = (pytree.tree_map(lambda leaf: _leaf(leaf, dtype), part) for part in (inputs, targets))
    given = {} if not isinstance(model, nn.Module) else _trainable(model)
    for path, leaf in pytree.tree_flatten_with_path(inputs)[0]:
        if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.numel():
            given["input" + pytree.keystr(path)] = leaf.requires_grad_()
    modules = [part for part in (model, loss) if isinstance(part, nn.Module)]
    buffers = tuple(_buffers(modules))
    tensors = [*given.values(), *(saved for _, _, saved in buffers), *pytree.tree_leaves((inputs, targets))]
    devices = frozenset(tensor.device for tensor in tensors if isinstance(tensor, Tensor))

    def evaluate() -> Tensor:
        # Clones, for an operation in place must not meet a leaf.
        fresh = pytree.tree_map(lambda leaf: leaf.clone() if isinstance(leaf, Tensor) else leaf, inputs)
        args, kwargs = _arguments(fresh)
        output = model(*args, **kwargs)
        return _one_number(loss(output) if targets is None else loss(output, targets))

    return RepeatableLoss(given, evaluate, buffers, devices)


@contextmanager
def torch_random_state_kept(devices: frozenset[torch.device]) -> Iterator[None]:
    """After it torch's random numbers go on as if nothing had been drawn."""
    with ExitStack() as stack:
        kinds = {device.type for device in devices if device.type not in ("cpu", "meta")}
        stack.enter_context(torch.random.fork_rng(devices=[]))
        for kind in kinds:
            own = [device for device in devices if device.type == kind]
            stack.enter_context(torch.random.fork_rng(devices=own, device_type=kind))
        yield


@contextmanager
def other_random_states_kept() -> Iterator[None]:
    """After it NumPy's global and Python's random numbers go on as if nothing had been drawn."""
    pythons, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)


def _random_states(devices: frozenset[torch.device]) -> list[Tensor]:
    own = [torch.get_device_module(device).get_rng_state(device) for device in devices if device.type != "cpu"]
    return [torch.get_rng_state(), *own]


def _copied(function: Callable[..., Any], dtype: torch.dtype | None) -> Callable[..., Any]:
    if not isinstance(function, nn.Module):
        return function
    try:
        module = copy.deepcopy(function)
    except Exception as error:
        raise ValueError(
            f"{type(function).__name__} cannot be copied ({error}), and the check must not touch the original: give it "
            f"a __deepcopy__, or keep what cannot be copied out of the module"
        ) from error
    return module if dtype is None else module.to(dtype)


def _trainable(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.is_floating_point() and parameter.numel()
    }


def _leaf(value: Any, dtype: torch.dtype | None) -> Any:
    if not isinstance(value, Tensor):
        return value
    copied = value.detach().clone()
    return copied.to(dtype) if dtype is not None and copied.is_floating_point() else copied


def _buffers(modules: list[nn.Module]) -> Iterator[tuple[nn.Module, str, Tensor]]:
    for part in {id(part): part for module in modules for part in module.modules()}.values():
        for name, buffer in part._buffers.items():
            if buffer is not None:
                yield part, name, buffer.detach().clone()


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (tuple(inputs), {}) if isinstance(inputs, tuple | list) else ((inputs,), {})


def _one_number(loss: Any) -> Tensor:
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise ValueError(f"the loss must be one number; it is {what}: take its mean or sum")
    return loss.reshape(())
