"""A model run with other tensors in the places of its parameters and buffers."""

from collections.abc import Iterator, Mapping
from typing import Any

from jaxtyping import Shaped
from torch import Tensor, nn
from torch.func import functional_call


def run_with(
    model: nn.Module, tensors: Mapping[str, Shaped[Tensor, "..."]], positional: tuple[Any, ...], by_name: dict[str, Any]
) -> Any:
    """What the model gives with other tensors in place of those of these names, which it has again afterwards.

    Names are those of ``named_parameters`` and ``named_buffers``; a tensor in several places is replaced in all.
    """
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    instead = {id(named[name]): tensor for name, tensor in tensors.items()}
    # Each place once: of a module with two names, torch would put its own tensors back and then those given to it.
    places = {place: instead[id(tensor)] for place, tensor in _places(model) if id(tensor) in instead}
    return functional_call(model, places, positional, by_name, tie_weights=False)


def _places(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for path, module in model.named_modules():
        yield from module.named_parameters(prefix=path, recurse=False, remove_duplicate=False)
        yield from module.named_buffers(prefix=path, recurse=False, remove_duplicate=False)
