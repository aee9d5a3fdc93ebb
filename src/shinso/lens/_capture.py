"""Seeing the outputs of layers and activation functions while a model runs."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized
from torch.overrides import TorchFunctionMode

from shinso.lens._flat_parts import FlatParts, flat_parts, is_activation
from shinso.lens._subject import without_wrappers

SeeOutput = Callable[[str, Tensor, int, FlatParts | None], None]
"""Called with a layer's path, its output, the axis of its units, and where its function is flat."""

_CHANNELS_FIRST = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)
_FEATURES_LAST = (nn.Linear, nn.Bilinear, nn.Embedding, nn.RNNBase, nn.MultiheadAttention)


@contextmanager
def capture(model: nn.Module, see_output: SeeOutput) -> Iterator[None]:
    """While the context lasts, show every output of a layer with parameters and of torch's activation functions.

    An activation function called in a module's ``forward`` goes by that module's path and the function's name, with
    a number from its second call on: ``block.relu``, ``block.relu_2``.
    """
    running = _Running(see_output)
    handles = []
    try:
        for path, module in model.named_modules():
            path = without_wrappers(path)
            handles.append(module.register_forward_pre_hook(Hook(partial(running.enter, path))))
            # Called also when the forward pass raises, as recomputation of checkpointed activations does on purpose.
            handles.append(module.register_forward_hook(Hook(partial(running.leave, path)), always_call=True))
        yield
    finally:
        for handle in handles:
            handle.remove()
        running.stop()


_LOOKING_AWAY = ContextVar("_LOOKING_AWAY", default=False)


@contextmanager
def looking_away() -> Iterator[None]:
    """While the context lasts, nothing is shown of a model that is run: it is run for a lens."""
    token = _LOOKING_AWAY.set(True)
    try:
        yield
    finally:
        _LOOKING_AWAY.reset(token)


class Hook:
    """Calls a function; in a copy of the model, made or saved during the step, it does nothing.

    One that was made while looking away is of a lens that runs the model itself, and sees just that.
    """

    def __init__(self, function: Callable[..., None] | None = None) -> None:
        self._function = function
        self._looking_away = function is not None and _LOOKING_AWAY.get()

    def __call__(self, *arguments: Any) -> None:
        # While torch.compile traces a function that calls the model, this must leave no trace in what it compiles.
        if self._function is None or torch.compiler.is_compiling():
            return
        if _LOOKING_AWAY.get() == self._looking_away:
            self._function(*arguments)

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


class _Running(TorchFunctionMode):
    """The calls of modules that are under way, innermost last; a mode on torch's functions while there are any."""

    def __init__(self, see_output: SeeOutput) -> None:
        super().__init__()
        self._see_output = see_output
        self._calls: list[tuple[nn.Module, str, Counter[str]]] = []
        self._last_layer: nn.Module | None = None

    def enter(self, path: str, module: nn.Module, args: tuple[Any, ...]) -> None:
        if not self._calls:
            super().__enter__()  # type: ignore[no-untyped-call]
        self._calls.append((module, path, Counter()))

    def leave(self, path: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if not self._calls or self._calls[-1][0] is not module:
            return  # another pre-hook failed, and this module was never entered
        self._calls.pop()
        if not self._calls:
            super().__exit__(None, None, None)  # type: ignore[no-untyped-call]
        if _is_layer(module):
            self._last_layer = module
            self._show(path or type(module).__name__, _first_tensor(output), None)

    def stop(self) -> None:
        """Step back from torch's functions also when an interrupt broke off the calls that were under way."""
        if self._calls:
            self._calls.clear()
            super().__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if torch.compiler.is_compiling():
            return result
        flat = flat_parts(func, args, kwargs or {})
        if flat is not None:
            self._show(self._name_of_call(func.__name__), result, flat)
        return result

    def _name_of_call(self, function: str) -> str:
        module, path, counts = self._calls[-1]
        if is_activation(module):
            return path or type(module).__name__
        function = function.strip("_")
        counts[function] += 1
        name = function if counts[function] == 1 else f"{function}_{counts[function]}"
        return f"{path}.{name}" if path else name

    def _show(self, layer: str, output: Tensor | None, flat: FlatParts | None) -> None:
        if output is not None and _can_be_reduced(output):
            self._see_output(layer, output, self._unit_axis(output), flat)

    def _unit_axis(self, output: Tensor) -> int:
        # Whether channels come first or features last is as the last layer had it.
        if isinstance(self._last_layer, _CHANNELS_FIRST):
            return 1
        if isinstance(self._last_layer, _FEATURES_LAST) or _normalizes_last_axis(self._last_layer):
            return -1
        return 1 if output.dim() > 3 else -1


def _normalizes_last_axis(layer: nn.Module | None) -> bool:
    return isinstance(layer, nn.LayerNorm | nn.RMSNorm) and len(layer.normalized_shape) == 1


def _can_be_reduced(output: Tensor) -> bool:
    # Inside a torch.func transform a tensor stands for many, and must not outlive the transform.
    if torch._C._functorch.is_functorch_wrapped_tensor(output):
        return False
    strided = output.layout == torch.strided and not output.is_nested
    return strided and output.is_floating_point() and output.numel() > 0


def _is_layer(module: nn.Module) -> bool:
    if isinstance(module, ParametrizationList):
        return False
    return next(module.parameters(recurse=False), None) is not None or is_parametrized(module)


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    items = output.values() if isinstance(output, Mapping) else output if isinstance(output, tuple | list) else ()
    return next((tensor for tensor in map(_first_tensor, items) if tensor is not None), None)
