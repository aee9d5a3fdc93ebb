"""Which parameters each layer holds, from the first layer to run to the last."""

from functools import partial
from typing import Any

import torch
from torch import nn

from shinso.lens._probe import Probe
from shinso.lens._subject import without_wrappers


def layers_in_order(probe: Probe) -> dict[str, tuple[str, ...]]:
    """The names of the trained parameters of each layer, in the order in which the layers start to run.

    A parameter belongs to the innermost module on its path that is called: those of an attention's output projection,
    which torch never calls as a module, are the attention's. A tensor that several layers share belongs to the one
    that the model names first.

    >>> probe = Probe(nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1)), nn.MSELoss(), torch.ones(1, 1), None)
    >>> layers_in_order(probe)
    {'0': ('0.weight', '0.bias'), '2': ('2.weight', '2.bias')}
    """
    started = _order_of_start(probe)
    owners = {name: _owner(name, started) for name in probe.parameters}
    return {
        layer or type(probe.model).__name__: tuple(name for name, owner in owners.items() if owner == layer)
        for layer in sorted(set(owners.values()), key=started.__getitem__)
    }


def _order_of_start(probe: Probe) -> dict[str, int]:
    started: dict[str, int] = {}
    handles = []
    try:
        for path, module in probe.model.named_modules():
            handles.append(module.register_forward_pre_hook(partial(_note, started, without_wrappers(path))))
        with torch.no_grad():
            probe.outputs()
    finally:
        for handle in handles:
            handle.remove()
    return started


def _note(started: dict[str, int], path: str, module: nn.Module, args: tuple[Any, ...]) -> None:
    started.setdefault(path, len(started))


def _owner(parameter: str, started: dict[str, int]) -> str:
    # What a parametrization holds, as of weight normalisation, is of the layer whose weight it makes.
    path = parameter.split(".parametrizations.")[0] if ".parametrizations." in parameter else _parent(parameter)
    while path not in started:
        path = _parent(path)
    return path


def _parent(path: str) -> str:
    return path.rpartition(".")[0]
