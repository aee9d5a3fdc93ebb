"""What is watched: the module inside its wrappers, its parameters by name, and whether its inside can be seen."""

from typing import Any

from torch import nn
from torch.jit import ScriptModule
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim import Optimizer

_WRAPPERS = ("_orig_mod.", "_checkpoint_wrapped_module.")


def unwrapped(model: Any) -> nn.Module:
    """The module inside ``torch.compile`` and ``DistributedDataParallel``.

    Raises TypeError for what is no module and ValueError for one that cannot be watched.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"watch needs a torch.nn.Module; got {type(model).__name__}")
    if isinstance(model, DataParallel):
        raise ValueError(
            "a DataParallel model runs in several threads and cannot be watched: use DistributedDataParallel"
        )
    inside = model.module if isinstance(model, DistributedDataParallel) else getattr(model, "_orig_mod", model)
    if inside is not model:
        return unwrapped(inside)
    if next(model.parameters(), None) is None:
        raise ValueError(f"{type(model).__name__} has no parameters, so there is no training to watch")
    if any(hasattr(parameter, "full_tensor") for parameter in model.parameters()):
        raise ValueError(
            f"the parameters of {type(model).__name__} are sharded over processes (DTensor), where no lens sees them "
            "whole: watch a run without sharding"
        )
    return model


def parameters_of(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters by name, without the names of wrappers around parts of the model, and without integer ones."""
    named = model.named_parameters()
    return {without_wrappers(n): p for n, p in named if p.is_floating_point() or p.is_complex()}


def without_wrappers(path: str) -> str:
    """The path of a module or parameter as it is without the wrappers around parts of the model."""
    for wrapper in _WRAPPERS:
        path = path.replace(wrapper, "")
    return path


def why_closed(model: nn.Module) -> str | None:
    """Why activations cannot be seen without changing how the model computes; None where they can."""
    for part in model.modules():
        if isinstance(part, ScriptModule):
            return "a scripted model does not show: leave it out, or train without torch.jit.script"
        if hasattr(part, "_orig_mod") or part._compiled_call_impl is not None:
            return "a compiled model does not show: leave it out, or train without torch.compile"
        if isinstance(part, nn.TransformerEncoderLayer | nn.MultiheadAttention) and _is_frozen(part):
            # Hooks would make torch take another path through them, which rounds differently.
            return f"a frozen {type(part).__name__} does not show: leave it out, or watch the part that is trained"
    return None


def _is_frozen(part: nn.Module) -> bool:
    return not any(parameter.requires_grad for parameter in part.parameters())


def check_optimizer(optimizer: Any, model: nn.Module) -> None:
    """Raise unless this is an optimizer of the model's parameters."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"watch needs a torch.optim.Optimizer or None; got {type(optimizer).__name__}")
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if held.isdisjoint(map(id, model.parameters())):
        raise ValueError(
            f"the {type(optimizer).__name__} holds none of the parameters of {type(model).__name__}: "
            "pass the optimizer that was made from this model's parameters"
        )
