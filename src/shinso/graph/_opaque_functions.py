"""Custom autograd functions as single nodes, so that their own backward is the one that is used."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils import _pytree as pytree

_lock = threading.RLock()


class CustomFunction:
    """A custom ``autograd.Function`` as the target of a node."""

    def __init__(self, function: type[torch.autograd.Function]) -> None:
        self.function = function
        self.__name__ = self.__qualname__ = function.__name__
        self.__module__ = function.__module__

    def __call__(self, *args: Any) -> Any:
        return self.function.apply(*args)  # type: ignore[no-untyped-call]


@contextmanager
def opaque_functions() -> Iterator[None]:
    """While it is on, a custom function that is applied under tracing becomes one node."""
    base = torch.autograd.Function
    original = base.__dict__["apply"]

    def apply(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
        return _as_one_node(cls, lambda: original.__get__(None, cls)(*args, **kwargs), args, kwargs)

    with _lock:
        base.apply = classmethod(apply)  # type: ignore[assignment]
        try:
            yield
        finally:
            base.apply = original  # type: ignore[method-assign]


def _as_one_node(
    function: type[torch.autograd.Function], call: Callable[[], Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    from torch.fx.experimental.proxy_tensor import (
        disable_proxy_modes_tracing,
        get_innermost_proxy_mode,
        track_tensor_tree,
    )

    mode: Any = get_innermost_proxy_mode()
    if mode is None:
        return call()
    with disable_proxy_modes_tracing():
        result = call()
    proxies = pytree.tree_map(mode.tracer.unwrap_proxy, (args, kwargs))
    proxy = mode.tracer.create_proxy("call_function", CustomFunction(function), *proxies, name=function.__name__)
    return track_tensor_tree(result, proxy, constant=None, tracer=mode.tracer)
