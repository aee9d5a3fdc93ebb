"""Batch norm with fixed statistics folded into the convolution or linear layer before it."""

import torch
from torch import Tensor

from shinso.graph._graph import Graph
from shinso.graph._node import Node
from shinso.graph.rewriting._rewriting import Match, Rewriting, new_operation, new_parameter, rewrite

_AXES = {"linear": 2, "conv1d": 3, "conv2d": 4, "conv3d": 5}
"""How many axes the result has when its second one is that of the channels, as batch norm takes it."""


def fold_batch_norm(graph: Graph) -> Rewriting:
    """The graph with each batch norm in evaluation mode folded into the convolution or linear layer before it.

    γ (w∗x + b − μ)/√(σ² + ε) + β is a convolution with the weight w·s and the bias (b − μ)·s + β, s = γ/√(σ² + ε)
    (Ioffe and Szegedy 2015, algorithm 2). The new weights are parameters of the new graph, called after the old ones;
    those of the module stay as they are. Layers whose result is used elsewhere too are left alone.
    """
    return rewrite(graph, [_match(node, graph) for node in graph.operations if _can_be_folded(node, graph)])


def _can_be_folded(node: Node, graph: Graph) -> bool:
    if node.name != "batch_norm" or node.args[5]:
        return False
    layer = node.args[0]
    if len(layer.specs) != 1 or _AXES.get(layer.name) != len(layer.specs[0].shape) or layer.context != node.context:
        return False
    fixed = (*layer.args[1:3], *node.args[1:5])
    is_known = all(value is None or value.role in ("parameter", "buffer", "constant") for value in fixed)
    return is_known and graph.consumers[layer] == (node,) and layer not in graph.outputs


def _match(node: Node, graph: Graph) -> Match:
    layer = node.args[0]
    weight, bias = layer.args[1], layer.args[2] if len(layer.args) > 2 else None
    new_weight, new_bias = _folded(node, graph)
    names = weight.name, bias.name if bias else weight.name.removesuffix("weight") + "bias"
    weight, bias = (
        new_parameter(f"{name}_folded", value) for name, value in zip(names, (new_weight, new_bias), strict=True)
    )
    assert layer.target is not None
    new = new_operation(layer, layer.target, layer.args[0], weight, bias, *layer.args[3:])
    return Match(f"{layer.name} and batch norm", node, new, {weight: new_weight, bias: new_bias})


def _folded(node: Node, graph: Graph) -> tuple[Tensor, Tensor]:
    """The layer's new weight and bias, computed in double precision."""
    layer = node.args[0]
    bias = layer.args[2] if len(layer.args) > 2 else None
    gamma, beta, mean, variance = (_value(value, graph) for value in node.args[1:5])
    weight = graph.bindings[layer.args[1]].detach()
    assert mean is not None
    assert variance is not None
    scale = (variance + node.args[7]).rsqrt()
    scale = scale if gamma is None else gamma * scale
    old_bias = _value(bias, graph)
    shift = (-mean if old_bias is None else old_bias - mean) * scale
    shift = shift if beta is None else shift + beta
    axes = (-1, *[1] * (weight.ndim - 1))
    return (weight.double() * scale.reshape(axes)).to(weight.dtype), shift.to(weight.dtype)


def _value(node: Node | None, graph: Graph) -> Tensor | None:
    return None if node is None else graph.bindings[node].detach().to(torch.float64)
