"""A copy of a module whose weights are plain parameters."""

import copy
from typing import TypeVar

from torch import Tensor, nn
from torch.nn.utils import parametrize, remove_weight_norm
from torch.nn.utils.weight_norm import WeightNorm

Module = TypeVar("Module", bound=nn.Module)


def plain_copy(module: Module) -> Module:
    """The same function in eval mode, without parametrizations and without the hook of the older weight_norm."""
    # Tensors that a forward pass has left behind (older weight_norm and spectral_norm) cannot be copied as they are.
    left = [
        value
        for part in module.modules()
        for value in vars(part).values()
        if isinstance(value, Tensor) and value.grad_fn is not None
    ]
    copied = copy.deepcopy(module, {id(value): value.detach().clone() for value in left}).eval()
    for part in copied.modules():
        if parametrize.is_parametrized(part):
            _remove_parametrizations(part)
        for hook in list(part._forward_pre_hooks.values()):
            if isinstance(hook, WeightNorm):
                remove_weight_norm(part, hook.name)
    return copied


def _remove_parametrizations(module: nn.Module) -> None:
    # Removing one deletes a property of the class, and copies share the class with the module that they are of.
    shared = type(module)
    module.__class__ = type(shared.__name__, shared.__bases__, dict(vars(shared)))
    for name in list(module.parametrizations):  # type: ignore[arg-type]
        value = getattr(module, name).detach()
        parametrize.remove_parametrizations(module, name, leave_parametrized=True)
        delattr(module, name)  # which is a buffer where no derivatives are taken
        module.register_parameter(name, nn.Parameter(value))
