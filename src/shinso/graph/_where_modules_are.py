"""Which module each operation belongs to, written down while torch traces."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from torch import nn

MODULE = "shinso_module"
"""Key of a traced node's ``meta`` under which the path of its module is kept."""


@contextmanager
def module_recorder(module: nn.Module | None) -> Iterator[None]:
    """While it is on, operations traced inside a submodule are marked with its path (the innermost one's)."""
    hooks = [hook for name, part in (module.named_modules() if module else ()) if name for hook in _hooks(part, name)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def mark_new_nodes(name: str) -> Iterator[None]:
    """Marks what is traced inside with the path of a module, unless it is marked already."""
    begin = len(_traced_nodes())
    try:
        yield
    finally:
        _mark(begin, name)


def _hooks(part: nn.Module, name: str) -> list[Any]:
    begins: list[int] = []

    def enter(*_: Any) -> None:
        begins.append(len(_traced_nodes()))

    def leave(*_: Any) -> None:
        # Inner modules leave first, so that what they have marked stays theirs.
        _mark(begins.pop(), name)

    return [part.register_forward_pre_hook(enter), part.register_forward_hook(leave, always_call=True)]


def _mark(begin: int, name: str) -> None:
    nodes = _traced_nodes()
    for node in islice(reversed(nodes), len(nodes) - begin):
        node.meta.setdefault(MODULE, name)


def _traced_nodes() -> Any:
    from torch.fx.experimental.proxy_tensor import get_innermost_proxy_mode

    mode = get_innermost_proxy_mode()
    return mode.tracer.graph.nodes if mode else []
