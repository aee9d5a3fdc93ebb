"""Seeing each call of a torch function in which parameters take part, and the gradient of what it returned."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.graph import disable_saved_tensors_hooks
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from shinso.lens._call import Call, Pass, Source, copied, kept, parameters_of_source
from shinso.lens._capture import Hook
from shinso.lens._nested import tensors_in, with_tensors

_READ_THEIR_INPUT = frozenset(
    {
        F.linear, F.embedding, F.batch_norm, F.layer_norm, F.group_norm, F.instance_norm, F.rms_norm,
        F.conv1d, F.conv2d, F.conv3d, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d,
    }
)  # fmt: skip
"""In their backward pass, so that autograd sees to it that nothing overwrites it: there is no need of a copy."""

_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
"""The attributes of any module, beside which those of its own kind are looked for."""

UNKNOWN = object()
"""What stands for the outputs of a model that ran several times, or returned something of a type of its own."""


class Digest(Protocol):
    """Makes of the calls what is wanted of them, and releases them."""

    def gradient_is_there(self, seen: Pass, name: str) -> None:
        """A backward pass has brought the gradient of a parameter, and so those of all calls that it is in."""

    def finish(self, seen: Pass) -> None:
        """No more will come of this pass."""


class Calls(TorchFunctionMode):
    """What a model called while it ran within ``seen``.

    Holds the inputs of layers and the gradients of their outputs, about twice the memory that the activations take,
    until it is dropped or ``digest`` releases a call. Complex parameters are left out.
    """

    def __init__(self, parameters: Mapping[str, Tensor], digest: Digest | None = None) -> None:
        super().__init__()
        self.digest = digest
        self.passes: list[Pass] = []
        trained = {name: tensor for name, tensor in parameters.items() if tensor.requires_grad}
        self._parameters = {name: tensor for name, tensor in trained.items() if not tensor.is_complex()}
        self._sources: dict[int, Source] = {}
        self._constants: dict[int, Tensor] = {}
        self._running: list[nn.Module] = []
        self._on_outputs: list[RemovableHandle] = []
        self._went_back = False
        self._passes_left: int | None = None
        self._seen_enough = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters that got a gradient, in the order of the model."""
        seen = [seen.gradients for seen in self.passes if not seen.is_empty]
        return tuple(name for name in self._parameters if any(name in gradients for gradients in seen))

    @contextmanager
    def seen(self, model: nn.Module) -> Iterator["Calls"]:
        """See what the model does while the context lasts."""
        handles = self._follow_parameters()
        for module in model.modules():
            handles.append(module.register_forward_pre_hook(Hook(partial(self._enter, model)), with_kwargs=True))
            handles.append(module.register_forward_hook(Hook(partial(self._leave, model)), always_call=True))
        try:
            yield self
        finally:
            for handle in (*handles, *self._on_outputs):
                handle.remove()
            self._on_outputs.clear()
            self._sources.clear()
            self._constants.clear()
            if self._running:
                self._running.clear()
                super().__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def keep_one_more_pass(self) -> None:
        """See one more pass and then none: those that follow may be at other values of the parameters."""
        self._passes_left = 1

    def _enter(self, model: nn.Module, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self._running:
            # torch has no public way to ask whether this is activations being computed again within a backward pass.
            in_backward = torch._C._current_graph_task_id() != -1
            over = self._went_back or (self.passes and self.passes[-1].is_without_gradients)
            if not self.passes or (over and not in_backward):
                if self._passes_left == 0:
                    self._seen_enough = True
                    return
                self._begin_pass(model, args, kwargs)
            super().__enter__()  # type: ignore[no-untyped-call]
        self._running.append(module)

    def _begin_pass(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._passes_left = None if self._passes_left is None else self._passes_left - 1
        self._went_back = False
        if self.passes and self.digest is not None:
            self.digest.finish(self.passes[-1])
        size = next((len(tensor) for tensor in tensors_in((args, kwargs)) if tensor.dim()), None)
        self.passes.append(Pass(size or 0, size == 0, not torch.is_grad_enabled()))
        self._sources = {id(tensor): Source(tensor, name) for name, tensor in self._parameters.items()}
        given = set(map(id, tensors_in((args, kwargs))))
        self._constants = {id(t): t for t in _held_by(model) if not t.requires_grad and id(t) not in given}

    def _leave(self, model: nn.Module, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if not self._running or self._running[-1] is not module:
            return
        self._running.pop()
        if not self._running:
            super().__exit__(None, None, None)  # type: ignore[no-untyped-call]
        if module is model:
            plain = isinstance(output, Tensor) or type(output) in (tuple, list, dict)
            alone = plain and self.passes[-1].outputs is None
            self.passes[-1].outputs = with_tensors(output, Tensor.detach) if alone else UNKNOWN

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = tensors_in((args, kwargs))
        sources = {id(t): self._sources[id(t)] for t in given if id(t) in self._sources}
        is_derived = all(id(t) in sources or id(t) in self._constants for t in given)
        if not sources or not torch.is_grad_enabled() or torch.compiler.is_compiling():
            result = func(*args, **kwargs)
            if is_derived:
                self._constants |= {id(tensor): tensor for tensor in tensors_in(result)}
            return result
        reads_input = func in _READ_THEIR_INPUT and not is_derived
        random_state = None if reads_input else _random_state(given[0].device)
        call = copied(func, args, kwargs, sources) if _is_in_place(func) else None
        result = func(*args, **kwargs)
        if is_derived:
            self._constants |= {id(tensor): tensor for tensor in tensors_in(result) if not tensor.requires_grad}
        returned = [tensor for tensor in tensors_in(result) if tensor.requires_grad and id(tensor) not in sources]
        # Inside a torch.func transform a tensor stands for many.
        if returned and not any(map(torch._C._functorch.is_functorch_wrapped_tensor, returned)):
            call = call or (kept if reads_input else copied)(func, args, kwargs, sources)
            call.random_state = random_state
            call.statistics = _statistics(result) if func is F.batch_norm else None
            self._keep(call, result, is_derived)
        return result

    def _keep(self, call: Call, result: Any, is_derived: bool) -> None:
        if is_derived:
            places = enumerate(tensors_in(result))
            self._sources |= {id(tensor): Source(tensor, None, call, place) for place, tensor in places}
            return
        seen = self.passes[-1]
        seen.calls.append(call)
        for source in call.sources.values():
            if source.parameter is not None:
                seen.uses.setdefault(source.parameter, []).append(call)
            else:
                seen.through_others |= parameters_of_source(source)
        for place, tensor in enumerate(tensors_in(result)):
            if tensor.requires_grad:
                self._follow_output(call, place, tensor)

    def _follow_parameters(self) -> list[RemovableHandle]:
        return [_hook(p, partial(self._receive, name)) for name, p in self._parameters.items()]

    def _follow_output(self, call: Call, place: int, tensor: Tensor) -> None:
        self._on_outputs.append(_hook(tensor, partial(self._receive_output, call, place)))

    def _receive_output(self, call: Call, place: int, gradient: Tensor) -> None:
        self._went_back = True
        call.receive(place, gradient)

    def _receive(self, name: str, gradient: Tensor) -> None:
        if self._seen_enough or not self.passes:
            return
        gradients = self.passes[-1].gradients
        # A copy, because this very tensor becomes the parameter's gradient, and may be clipped in place.
        gradients[name] = gradients[name] + gradient.detach() if name in gradients else gradient.detach().clone()
        if self.digest is not None:
            self.digest.gradient_is_there(self.passes[-1], name)


def _held_by(model: nn.Module) -> list[Tensor]:
    """The model's parameters and buffers, and tensors that are plain attributes, such as masks, alone or in lists."""
    held = [*model.parameters(), *model.buffers()]
    attributes = (vars(module).items() for module in model.modules())
    for value in (value for own in attributes for name, value in own if name not in _OF_EVERY_MODULE):
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else (value,)
        # A vocabulary is not gone through.
        if isinstance(next(iter(items), None), Tensor):
            held += [item for item in items if isinstance(item, Tensor)]
    return held


def _hook(tensor: Tensor, receive: Callable[[Tensor], None]) -> RemovableHandle:
    handle: RemovableHandle = tensor.register_hook(receive)  # type: ignore[no-untyped-call]
    return handle


def _statistics(normalized: Tensor) -> tuple[Tensor, Tensor] | None:
    # What autograd saved for the backward pass; where it saved nothing of the kind, it is computed again.
    try:
        # To ask for what hooks packed would unpack it: under activation checkpointing, run layers again.
        with disable_saved_tensors_hooks("asked only whether there are any"):
            pass
    except RuntimeError:
        return None
    mean, scale = (getattr(normalized.grad_fn, f"_saved_result{place}", None) for place in (1, 2))
    return (mean, scale) if mean is not None and scale is not None and mean.numel() else None


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _is_in_place(function: Callable[..., Any]) -> bool:
    name = getattr(function, "__name__", "")
    return name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))
