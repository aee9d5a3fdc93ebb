"""Programs written by ``torch.export.save``, as modules that can be traced."""

import pickle
import types
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import fx, nn

from shinso.graph._where_modules_are import mark_new_nodes


def load_exported(path: str | Path) -> nn.Module:
    """The module of a ``.pt2`` file, whose operations remember the modules they were exported from.

    Tensors alone are read: a file that holds other Python objects, which could run code, is refused with a ValueError.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no program written by torch.export.save, or only a part of one: export it again")
    try:
        with _tensors_alone():
            program = torch.export.load(path)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} holds Python objects besides tensors, which could run code when read: export the module again, "
            f"with tensors alone for its example inputs"
        ) from error
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as a program written by torch.export.save: {type(error).__name__}: {error}"
        ) from error
    module: Any = program.module()
    module.forward = types.MethodType(lambda self, *args: _MarkingInterpreter(self).run(*args), module)
    result: nn.Module = module
    return result


class _MarkingInterpreter(fx.Interpreter):
    """Runs a program operation by operation and marks what is traced with the module it came from."""

    def run_node(self, n: fx.Node) -> Any:
        stack = list(n.meta.get("nn_module_stack", {}).values())
        with mark_new_nodes(stack[-1][0] if stack else ""):
            return super().run_node(n)


@contextmanager
def _tensors_alone() -> Iterator[None]:
    """torch.export.load falls back to full unpickling, which runs what the file says; here nothing may."""
    original = torch.load

    def load(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **{**kwargs, "weights_only": True})

    torch.load = load
    try:
        yield
    finally:
        torch.load = original
