"""A graph as one function that runs without the code it was traced from: define-and-run (lecture 003 section 1.4)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils import _pytree as pytree

from shinso.graph._evaluate import autocast_of
from shinso.graph._graph import Graph
from shinso.graph._node import Node


class CompiledGraph:
    """A graph as a function of its inputs, one after the other; ``print(compiled.code)`` is the Python that runs.

    It shares the tensors of the module that was traced: gradients reach its parameters, and a batch norm in training
    mode moves its running statistics (but does not count its batches). It holds for the shapes traced.
    """

    def __init__(self, graph: Graph, run: Callable[..., Any], code: str) -> None:
        self.graph = graph
        self.code = code
        self._run = run
        self._specs = [(node.name, node.spec.shape, node.spec.dtype) for node in graph.inputs]
        leaves, self._structure = pytree.tree_flatten(graph.output)
        self._rest = [None if isinstance(leaf, Node) else (leaf,) for leaf in leaves]

    def __call__(self, *inputs: Tensor) -> Any:
        """What the function that was traced returns.

        Raises ValueError for inputs of other shapes or types than were traced, or for another number of them.
        """
        self._check(inputs)
        results = iter(self._run(*inputs))
        leaves = [next(results) if rest is None else rest[0] for rest in self._rest]
        return pytree.tree_unflatten(leaves, self._structure)

    def _check(self, inputs: tuple[Tensor, ...]) -> None:
        if len(inputs) != len(self._specs):
            raise ValueError(f"{self.graph.name} was traced with {len(self._specs)} input tensors; got {len(inputs)}")
        for (name, shape, dtype), value in zip(self._specs, inputs, strict=True):
            if value.shape != shape or value.dtype != dtype:
                raise ValueError(
                    f"{name} was traced with shape {shape} and {dtype}; got {tuple(value.shape)} and {value.dtype}: "
                    f"trace and compile again for these"
                )


def compile_graph(graph: Graph) -> CompiledGraph:
    """The graph as straight Python code, one line for each operation, without modules, hooks and branches.

    Needs no C++ compiler, and little time.
    """
    module, held = _as_python(graph)
    return CompiledGraph(graph, lambda *inputs: module.forward(*inputs, *held), module.code)


def compile_graph_with_inductor(graph: Graph) -> CompiledGraph:
    """The graph as machine code, by ``torch.compile``; needs a C++ compiler, and up to a minute at the first run."""
    module, held = _as_python(graph)
    compiled = torch.compile(module, dynamic=False)
    return CompiledGraph(graph, lambda *inputs: compiled(*inputs, *held), module.code)


class _InContext:
    """An operation together with what was switched on around it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.__name__ = self.__qualname__ = node.name
        self.__module__ = "in_context"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        assert self._node.target is not None
        with torch.set_grad_enabled(torch.is_grad_enabled() and self._node.context.gradients), autocast_of(self._node):
            return self._node.target(*args, **kwargs)


def _as_python(graph: Graph) -> tuple[fx.GraphModule, list[Tensor]]:
    """torch's form of the graph, which writes its own code, and what it takes after the inputs."""
    given = [node for node in graph.nodes if not node.is_operation and node.role != "input"]
    traced = fx.Graph()
    made: dict[Node, fx.Node] = {}

    def argument(leaf: Any) -> Any:
        return made[leaf] if isinstance(leaf, Node) else leaf

    for node in (*graph.inputs, *given):
        made[node] = traced.placeholder(_identifier(node.name))
    for node in graph.operations:
        args, kwargs = pytree.tree_map(argument, (node.args, dict(node.kwargs)))
        target = node.target if node.context.gradients and node.context.autocast is None else _InContext(node)
        assert target is not None
        made[node] = traced.create_node("call_function", target, args, kwargs, name=f"v{node.number}")
    traced.output(tuple(made[node] for node in graph.outputs))
    return fx.GraphModule({}, traced, graph.name), [graph.bindings[node] for node in given]


def _identifier(name: str) -> str:
    letters = "".join(character if character.isalnum() else "_" for character in name)
    return letters if letters.isidentifier() else f"_{letters}"
