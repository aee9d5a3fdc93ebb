"""The linear layers of a network as they ran: what each multiplies, at which input size."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd  # the only class that all of torch's convolutions share
from torch.utils._pytree import tree_map

from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._probe import Probe
from shinso.lens.generalization._batch_norm_map import is_affine_in_eval_mode, scale_and_shift
from shinso.lens.generalization._plain_copy import plain_copy


@dataclass(frozen=True)
class LinearLayer:
    """A layer without its bias: a linear map of one example of the shape ``input_shape``."""

    module: nn.Module
    input_shape: tuple[int, ...]
    calls: int
    """How often it ran in one pass."""


@dataclass(frozen=True)
class LinearLayers:
    """The linear layers by path, in the order in which they first ran."""

    by_path: dict[str, LinearLayer]
    left_out: tuple[str, ...]
    """Parameters outside them: of recurrent layers, attention, normalisations that depend on the input."""


def linear_layers(model: nn.Module, inputs: Any) -> LinearLayers:
    """What ran of nn.Linear, convolutions and batch normalisation (an affine map in eval mode) on these inputs."""
    found: dict[str, LinearLayer] = {}

    def see(path: str, module: nn.Module, args: tuple[Any, ...]) -> None:
        calls = found[path].calls + 1 if path in found else 1
        found[path] = LinearLayer(module, tuple(args[0].shape[1:]), calls)

    with torch.no_grad():
        run_with_pre_hooks(
            model, inputs, {path: partial(see, path) for path, m in model.named_modules() if is_linear(m)}
        )
    return LinearLayers(found, tuple(name for name, _ in model.named_parameters() if not _belongs_to(name, found)))


def is_linear(module: nn.Module) -> bool:
    """Whether it is a linear layer, up to its bias."""
    return isinstance(module, nn.Linear | _ConvNd) or is_affine_in_eval_mode(module)


def run_with_pre_hooks(model: nn.Module, inputs: Any, hooks: dict[str, Callable[..., Any]]) -> Any:
    """The outputs of the model in eval mode on the first example, with hooks before modules by path."""
    first = tree_map(lambda leaf: leaf[:1] if isinstance(leaf, Tensor) else leaf, inputs)
    handles = [model.get_submodule(path).register_forward_pre_hook(hook) for path, hook in hooks.items()]
    try:
        with in_eval_mode(model):
            return Probe(model, _no_loss, first, None).outputs()
    finally:
        for handle in handles:
            handle.remove()


def without_bias(module: nn.Module) -> Callable[[Tensor], Tensor]:
    """The layer's linear map of a batch, in float64."""
    linear = plain_copy(module).double()
    if isinstance(made := vars(linear).get("weight"), Tensor):  # by a hook, which is not run here
        linear.weight = nn.Parameter(made.double())
    if is_affine_in_eval_mode(linear):
        scale = scale_and_shift(linear)[0]
        return lambda x: x * scale.view(-1, *[1] * (x.dim() - 2))
    linear.register_parameter("bias", None)
    # Not by a call, which would run the hooks that were copied with it.
    return linear.forward


def weights_of(module: nn.Module) -> Float[Tensor, "..."]:
    """The entries of the layer's linear map, in float64: its weight, or the scale of a batch normalisation."""
    if is_affine_in_eval_mode(module):
        return scale_and_shift(module)[0].double()
    with in_eval_mode(module), torch.no_grad():  # in training mode a spectral normalisation moves on when it is read
        weight = module.weight
    assert isinstance(weight, Tensor)
    return weight.detach().double()


def _belongs_to(parameter: str, layers: dict[str, LinearLayer]) -> bool:
    return any(parameter.startswith(f"{path}.") if path else True for path in layers)


def _no_loss(outputs: Any, targets: Any) -> Tensor:
    raise AssertionError("looking at layers asks for outputs alone")
