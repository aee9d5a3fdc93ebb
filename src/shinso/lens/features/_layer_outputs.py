"""What named layers give out while a model runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from jaxtyping import Shaped
from torch import Tensor, nn

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
    tensor = _first_tensor(output)
    if tensor is None or layer in seen:
        return None
    if tensor is output:
        # The model goes on with a copy, since what follows may overwrite its input in place.
        seen[layer] = tensor
        return tensor.clone()
    seen[layer] = tensor.clone()
    return None


def _first_tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    items = output.values() if isinstance(output, Mapping) else output if isinstance(output, tuple | list) else ()
    return next((tensor for tensor in map(_first_tensor, items) if tensor is not None), None)
