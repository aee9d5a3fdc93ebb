"""What named layers give out while a model runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from shinso.lens.features._at_rest import at_rest

_CHANNELS_FIRST = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)


@contextmanager
def seeing_outputs(model: nn.Module, layers: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """A dictionary that is filled with the output of each layer's first call, by its path, while the context lasts.

    Raises ValueError for a path that is no module of the model.
    """
    modules = dict(model.named_modules())
    for layer in layers:
        if layer not in modules:
            known = ", ".join(path for path in modules if path)
            raise ValueError(f"{layer!r} is no layer of {type(model).__name__}; expected one of: {known}")
    seen: dict[str, Tensor] = {}
    handles = [modules[layer].register_forward_hook(partial(_see, seen, layer)) for layer in layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def layer_output(model: nn.Module, inputs: Any, layer: str) -> Shaped[Tensor, "..."]:
    """The output of one layer in eval mode; raises ValueError for one that does not exist, or does not run."""
    with seeing_outputs(model, [layer]) as seen, at_rest(model) as run:
        run(inputs)
    return seen_output(seen, layer)


def seen_output(seen: Mapping[str, Tensor], layer: str) -> Shaped[Tensor, "..."]:
    """What was seen of the layer; raises ValueError where it did not run, or gave no tensor."""
    if layer not in seen:
        raise ValueError(f"the layer {layer!r} was not called when the model ran, or gave out no tensor: name another")
    return seen[layer]


def unit_axis(layer: nn.Module, output: Shaped[Tensor, "..."]) -> int:
    """The axis of the units of a layer's output: channels after convolutions and in images, else the last axis."""
    return 1 if output.dim() > 3 or (isinstance(layer, _CHANNELS_FIRST) and output.dim() > 1) else output.dim() - 1


def _see(seen: dict[str, Tensor], layer: str, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
    leaves, structure = pytree.tree_flatten(output)
    place = next((place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)), None)
    if place is None or layer in seen:
        return None
    seen[layer] = _differentiable(leaves[place])
    # The model goes on with a copy, since what follows may overwrite its input in place.
    leaves[place] = seen[layer].clone()
    return pytree.tree_unflatten(leaves, structure)


def _differentiable(tensor: Tensor) -> Tensor:
    """A leaf, where derivatives are on and nothing before it has any: behind tokens or frozen inputs."""
    if torch.is_grad_enabled() and tensor.is_floating_point() and not tensor.requires_grad:
        return tensor.detach().requires_grad_()
    return tensor
