"""Whether layers follow each other in one chain, each seeing only what the one before made."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from shinso.lens.generalization._linear_layers import run_with_pre_hooks


class _Start(NamedTuple):
    name: str
    tensor: Tensor


def check_chain(model: nn.Module, inputs: Any, calls: Mapping[str, int]) -> None:
    """Raise ValueError unless each of these layers runs once and sees nothing but the output of the one before it.

    The input of each layer is cut out of the graph and made a start of its own: the input of the next may then depend
    on this start and on no other.
    """
    for path, count in calls.items():
        if count > 1:
            raise ValueError(f"a chain uses each layer once; {path or 'the model'} ran {count} times")
    starts: list[_Start] = []

    def begin(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor) or not leaf.is_floating_point():
            return leaf
        starts.append(_Start("the input of the network", leaf.detach().requires_grad_()))
        return starts[-1].tensor.clone()  # which the network may write to

    def cut(path: str, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        name = f"the input of {path or 'the model'}"
        _check_follows(args[0], name, starts, begun)
        starts.append(_Start(name, args[0].detach().clone().requires_grad_()))
        return (starts[-1].tensor, *args[1:])

    with torch.enable_grad():
        first = tree_map(begin, inputs)
        begun = len(starts)
        for output in tree_leaves(run_with_pre_hooks(model, first, {path: partial(cut, path) for path in calls})):
            _check_follows(output, "the output", starts, begun)


def _check_follows(value: Any, name: str, starts: list[_Start], begun: int) -> None:
    if len(starts) == begun or not isinstance(value, Tensor) or not value.requires_grad:
        return
    earlier = starts[:-1]
    if not earlier:
        return
    reached = torch.autograd.grad(
        value.sum(), [start.tensor for start in earlier], retain_graph=True, allow_unused=True
    )
    for start, gradient in zip(earlier, reached, strict=True):
        if gradient is not None:
            raise ValueError(
                f"the network is no chain: {name} depends on {start.name} around the layers between (a residual sum or "
                "a concatenation), for which products of spectral norms bound nothing. The path norm is defined"
            )
