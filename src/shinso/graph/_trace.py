"""From a function or module to its graph; torch does the tracing (``make_fx``)."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from shinso._run_with import run_with
from shinso.graph._graph import Graph
from shinso.graph._in_place import out_of_place
from shinso.graph._node import Node, Role, TensorSpec
from shinso.graph._opaque_functions import opaque_functions
from shinso.graph._where_modules_are import module_recorder
from shinso.graph.untraceable import Untraceable, no_numbers


@dataclass(frozen=True)
class _Given:
    """A tensor that the graph starts from."""

    name: str
    role: Role
    value: Tensor


def trace(function: Callable[..., Any], *inputs: Any, names: Sequence[str] | None = None) -> Graph:
    """The computational graph of a function or ``nn.Module`` at example inputs.

    Nothing is computed: only the shapes and types of the inputs matter, and a model and inputs on the ``meta`` device
    will do.
    Inputs and parameters are numbered …, v₋₁, v₀ in the order of the arguments, then of ``named_parameters``; the rest
    v₁, v₂, … in the order of computation (lecture 003, equations 1 to 10). Arguments that are no tensors are constants.
    ``names`` are those of the inputs, by default the function's own.

    A custom ``autograd.Function`` stays one node, with its own backward. Operations in place are replaced by ones that
    return a new value. A model in training mode is traced in training mode; its buffers are not changed.

    Raises Untraceable, with the line, where the code needs the number in a tensor (``.item()``, ``if x.sum() > 0``).
    """
    module = function if isinstance(function, nn.Module) else None
    labels = _labels(function, inputs, names)
    leaves, structure = pytree.tree_flatten(inputs)
    given = [
        _Given(label, "input", leaf) for label, leaf in zip(labels, leaves, strict=True) if isinstance(leaf, Tensor)
    ]
    own = _own_tensors(module) if module is not None else []

    def flat(*tensors: Tensor) -> Any:
        fed, rest = iter(tensors[: len(given)]), tensors[len(given) :]
        arguments = pytree.tree_unflatten([next(fed) if isinstance(x, Tensor) else x for x in leaves], structure)
        if module is None:
            return function(*arguments)
        state = {tensor.name: value for tensor, value in zip(own, rest, strict=True)}
        return run_with(module, state, arguments, {})

    traced = _traced(flat, module, [tensor.value for tensor in given + own])
    return _graph(traced, given + own, _name(function))


def _traced(flat: Callable[..., Any], module: nn.Module | None, tensors: list[Tensor]) -> fx.GraphModule:
    from torch.fx.experimental.proxy_tensor import make_fx

    make = make_fx(flat, tracing_mode="fake", pre_dispatch=True, _allow_non_fake_inputs=True)
    with no_numbers(), opaque_functions(), module_recorder(module), torch.enable_grad():
        # Modules such as nn.TransformerEncoder compute differently where nothing wants a gradient.
        return make(*(tensor.detach().requires_grad_(tensor.requires_grad) for tensor in tensors))


def _graph(traced: fx.GraphModule, given: list[_Given], name: str) -> Graph:
    """Our nodes for torch's: what is given first, then what is computed and used."""
    placeholders = [node for node in traced.graph.nodes if node.op == "placeholder"]
    labels = dict(zip(placeholders, given, strict=True))
    for node in traced.graph.nodes:
        if node.op == "get_attr":
            labels[node] = _constant(f"constant{len(labels) - len(given)}", getattr(traced, node.target))
    computed = out_of_place(traced.graph)
    used = computed.used | {node for node, tensor in labels.items() if tensor.role in ("input", "parameter")}
    sources = [node for node in labels if node in used]
    nodes: dict[Any, Node] = {}
    for number, source in enumerate(sources, start=1 - len(sources)):
        tensor = labels[source]
        spec = TensorSpec(tuple(tensor.value.shape), tensor.value.dtype, tensor.value.device)
        nodes[source] = Node(number, tensor.name, tensor.role, spec)
    for number, operation in enumerate((op for op in computed.operations if op in computed.used), start=1):
        nodes[operation] = operation.as_node(number, nodes)
    output = pytree.tree_map(lambda leaf: nodes.get(leaf, leaf), computed.output)
    bindings = {nodes[source]: labels[source].value for source in sources}
    return Graph(tuple(nodes.values()), output, bindings, name)


def _constant(name: str, value: Tensor) -> _Given:
    from torch._subclasses import FakeTensor

    if isinstance(value, FakeTensor):
        raise Untraceable(
            "a part is computed where tracing does not see it, inside torch.func.grad, vmap or the like: use "
            "torch.autograd.grad(…, create_graph=True), or trace the inner function by itself"
        )
    return _Given(name, "constant", value)


def _own_tensors(module: nn.Module) -> list[_Given]:
    parameters = [_Given(name, "parameter", value) for name, value in module.named_parameters()]
    return parameters + [_Given(name, "buffer", value) for name, value in module.named_buffers()]


def _labels(function: Callable[..., Any], inputs: tuple[Any, ...], names: Sequence[str] | None) -> list[str]:
    """A name for each leaf of the inputs."""
    if names is None:
        names = _argument_names(function, len(inputs))
    if len(names) != len(inputs):
        raise ValueError(f"there are {len(inputs)} inputs and {len(names)} names: {', '.join(names)}")
    labels: list[str] = []
    for name, argument in zip(names, inputs, strict=True):
        paths, _ = pytree.tree_flatten_with_path(argument)
        labels += [name + pytree.keystr(path) for path, _ in paths]
    return labels


def _argument_names(function: Callable[..., Any], count: int) -> list[str]:
    call = function.forward if isinstance(function, nn.Module) else function
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (positional + [f"input{position}" for position in range(len(positional), count)])[:count]


def _name(function: Callable[..., Any]) -> str:
    return type(function).__name__ if isinstance(function, nn.Module) else getattr(function, "__name__", "function")
