"""Sigmoid, logarithm and binary cross-entropy in the forms that cannot overflow (lecture 004 section 6.5.9)."""

from collections.abc import Iterator
from typing import Any

import torch

from shinso.graph._graph import Graph
from shinso.graph._node import Node
from shinso.graph.rewriting._rewriting import Match, Rewriting, new_operation, rewrite

aten = torch.ops.aten


def fuse_sigmoid_cross_entropy(graph: Graph) -> Rewriting:
    """The graph with logarithms of a sigmoid q = σ(z), and the binary cross-entropy of it, computed from the logits z.

    ``binary_cross_entropy(q, p)`` becomes ``binary_cross_entropy_with_logits(z, p)``, log(q) becomes log σ(z) and
    log(1 − q) becomes log σ(−z), so that the adjoint at the logits is q − p however large they are.
    """
    return rewrite(graph, [*_binary_cross_entropies(graph), *_log_sigmoids(graph)])


def _binary_cross_entropies(graph: Graph) -> Iterator[Match]:
    for node in graph.operations:
        if node.name == "binary_cross_entropy" and _is_sigmoid(node.args[0], node):
            (logits,) = node.args[0].args
            targets, *options = node.args[1:]
            # With logits, a weight of the positive examples stands between the weight and the reduction.
            options[1:1] = [None]
            new = new_operation(node, aten.binary_cross_entropy_with_logits.default, logits, targets, *options)
            yield Match("the binary cross-entropy of a sigmoid", node, new)


def _log_sigmoids(graph: Graph) -> Iterator[Match]:
    for node in graph.operations:
        if node.name != "log":
            continue
        (inner,) = node.args
        if _is_sigmoid(inner, node):
            yield Match("the logarithm of a sigmoid", node, new_operation(node, aten.log_sigmoid.default, *inner.args))
        elif inner.name == "rsub" and inner.args[1:] == (1,) and _is_sigmoid(inner.args[0], inner):
            if inner.context != node.context:
                continue
            minus = new_operation(node, aten.neg.default, *inner.args[0].args)
            new = new_operation(node, aten.log_sigmoid.default, minus)
            yield Match("the logarithm of 1 minus a sigmoid", node, new)


def _is_sigmoid(value: Any, taker: Node) -> bool:
    return isinstance(value, Node) and value.name == "sigmoid" and value.context == taker.context
