"""Which batch normalisations of a network follow a layer that can do their work."""

from collections import Counter
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from shinso.nn.normalization.batch_normalization import BatchNormalization
from shinso.nn.normalization.population_statistics import BatchNorm

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
# Not their subclasses, which may do more.
_KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
_OPERATIONS = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")


def foldable_pairs(network: nn.Module, inputs: tuple[Any, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """The layer for each batch normalisation that has one, and for each other the reason; names of submodules."""
    norms = {name: module for name, module in network.named_modules() if isinstance(module, BatchNorm)}
    kept = {name: _unmatched(norm) for name, norm in norms.items()}
    pairs: dict[str, str] = {}
    if not kept:
        return pairs, kept
    names = _Names(network, _exported(network, inputs))
    for node in names.nodes("batch_norm"):
        norm = names.owner(node.args[3])
        if norm not in kept:
            continue
        reason = "it uses the statistics of the mini-batch" if node.args[5] else _obstacle(node, names)
        if reason is None:
            pairs[norm] = names.owner(node.args[0].args[1])
            del kept[norm]
        else:
            kept[norm] = reason
    return pairs, kept


def _unmatched(norm: BatchNorm) -> str:
    """Why a batch normalisation is not among the network's operations."""
    if isinstance(norm, BatchNormalization):
        return "it is written in single operations: load its state into torch's layer"
    return "no running statistics" if norm.running_mean is None else "not in use"


def _obstacle(node: Any, names: "_Names") -> str | None:
    """Why the batch normalisation cannot be folded, if it cannot."""
    before = node.args[0]
    layer = names.layer(before)
    if layer is None:
        return "no linear layer or convolution is right before it"
    if len(before.users) > 1:
        return "the result of the layer before it is used elsewhere too"
    if not names.is_used_once(node.args[3]):
        return "it is used, or registered, more than once"
    if names.is_part(node):
        return "its module or a hook does more than batch normalisation"
    if not names.is_used_once(before.args[1]):
        return "the layer before it, or its weight, is used or registered more than once"
    if before.meta["val"].ndim != layer.weight.ndim:
        return "its channels are not those of the layer before it"
    return None


class _Names:
    """An exported network's operations, and whose tensors they take."""

    def __init__(self, network: nn.Module, program: ExportedProgram) -> None:
        self.network = network
        self.program = program
        signature = program.graph_signature
        self._tensors = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        self._first_names = {module: name for name, module in network.named_modules()}
        owned = (network.named_parameters, network.named_buffers)
        self._owners = Counter(id(value) for named in owned for _, value in named(remove_duplicate=False))

    def nodes(self, operation: str) -> list[Any]:
        return [node for node in self.program.graph.nodes if _operation(node) == operation]

    def owner(self, node: Any) -> str:
        """The first name of the module whose parameter or buffer the node is, or one that no module has."""
        tensor = self._tensors.get(getattr(node, "name", ""))
        return "?" if tensor is None else self._first_names[self.network.get_submodule(tensor.rpartition(".")[0])]

    def layer(self, node: Any) -> Any:
        """The layer that the operation is the whole of, or None."""
        if _operation(node) not in _OPERATIONS:
            return None
        name = self.owner(node.args[1])
        layer = None if name == "?" else self.network.get_submodule(name)
        return layer if type(layer) in _KINDS and self._tensors[node.args[1].name].endswith("weight") else None

    def is_part(self, node: Any) -> bool:
        """Whether the module that the operation is in has others."""
        return sum(_module(other) == _module(node) for other in self.program.graph.nodes) > 1

    def is_used_once(self, node: Any) -> bool:
        tensor = self._tensors[node.name]
        module, _, name = tensor.rpartition(".")
        return len(node.users) == 1 and self._owners[id(getattr(self.network.get_submodule(module), name))] == 1


def _operation(node: Any) -> str:
    return getattr(node.target, "__name__", "").split(".")[0] if node.op == "call_function" else ""


def _module(node: Any) -> str | None:
    """The innermost module that the operation is in."""
    stack = list(node.meta.get("nn_module_stack", {}).values()) if node.op == "call_function" else []
    return stack[-1][0] if stack else None


def _exported(network: nn.Module, inputs: tuple[Any, ...]) -> ExportedProgram:
    try:
        return torch.export.export(network, inputs, strict=False)
    except Exception as error:
        raise ValueError(
            f"the network cannot be traced by torch.export with these inputs ({type(error).__name__}: {error}), so it "
            f"is not known what each layer's result is used for"
        ) from error
