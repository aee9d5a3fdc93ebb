"""Weights that are computed from what is stored: of whole networks, by torch.nn.utils.parametrize.

The layers stay those of the user's network, so any kind will do, and what one measures with them, accuracy and size,
is that of the stored weights. The arithmetic is that of the network's own type.
"""

import copy
from collections.abc import Callable, Iterator

from torch import Tensor, nn
from torch.nn.utils import parametrize

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)


def with_stored_weights(network: nn.Module, store: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """A copy in which the weight of each linear layer and convolution is computed by ``store(layer)``.

    That is a parametrization: its ``right_inverse`` makes of the weight what is stored, its ``forward`` the reverse.
    Layers that have a parametrization already stay as they are. Layers that share a weight get one each. Raises
    ValueError for a weight that hooks compute, as while torch.nn.utils.prune is at work.
    """
    result = _copy(network)
    for layer in stored_layers(result):
        if not parametrize.is_parametrized(layer):
            weight = layer.get_parameter("weight")
            # Its own, since a parametrization changes the tensor, which another layer may have too.
            layer.weight = nn.Parameter(weight.detach(), weight.requires_grad)
            parametrize.register_parametrization(layer, "weight", store(layer))
    return result


def with_plain_weights(network: nn.Module) -> nn.Module:
    """A copy in which every parametrized tensor is a plain one of the same value. The same ValueError."""
    result = _copy(network)
    for module in list(result.modules()):
        if parametrize.is_parametrized(module):
            _make_plain(module)
    return result


def stored_layers(network: nn.Module) -> Iterator[nn.Module]:
    """The linear layers and convolutions of a network."""
    return (module for module in network.modules() if isinstance(module, LAYERS))


def state_bytes(network: nn.Module) -> int:
    """How many bytes all parameters and buffers of a network are, each counted once."""
    tensors: list[Tensor] = [*network.parameters(), *network.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _copy(network: nn.Module) -> nn.Module:
    for name, layer in network.named_modules():
        if (
            isinstance(layer, LAYERS)
            and not isinstance(layer.weight, nn.Parameter)
            and not parametrize.is_parametrized(layer)
        ):
            raise ValueError(
                f"the weight of {name or layer} is no parameter, but computed by a hook: make it one first, as "
                f"torch.nn.utils.prune.remove does"
            )
    return copy.deepcopy(network)


def _make_plain(module: nn.Module) -> None:
    # Not by remove_parametrizations: it changes the class, which torch lets a copy share with its original.
    assert isinstance(module.parametrizations, nn.ModuleDict)
    values = {name: getattr(module, name).detach().clone() for name in module.parametrizations}
    trained = {name: [p.requires_grad for p in own.parameters()] for name, own in module.parametrizations.items()}
    module.__class__ = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    for name, value in values.items():
        if trained[name]:
            module.register_parameter(name, nn.Parameter(value, requires_grad=any(trained[name])))
        else:
            module.register_buffer(name, value)
