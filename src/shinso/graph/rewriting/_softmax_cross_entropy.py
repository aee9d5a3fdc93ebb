"""Softmax, logarithm and cross-entropy as one operation that cannot overflow (lecture 004 section 6.5.9)."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from shinso.graph._graph import Graph
from shinso.graph._node import Node, TensorSpec
from shinso.graph.rewriting._rewriting import Match, Rewriting, new_operation, rewrite

aten = torch.ops.aten
_NONE, _MEAN, _SUM = 0, 1, 2  # torch's numbers for reductions


def fuse_softmax_cross_entropy(graph: Graph) -> Rewriting:
    """The graph with the logarithm of a softmax, and the cross-entropy made of it, as single operations.

    −Σ p·log(softmax(z)) becomes ``cross_entropy_loss(z, p)``, whose adjoint at the logits is q − p: over any axis of
    classes, per example, summed or averaged, with p as probabilities, or as class numbers through ``nll_loss``,
    ``gather`` or indexing (numbers 0 to C − 1). Elsewhere ``log(softmax(z))`` becomes ``log_softmax(z)``.
    """
    matches = [*_negative_log_likelihoods(graph), *_sums_over_classes(graph), *_log_softmaxes(graph)]
    return rewrite(graph, matches)


@dataclass(frozen=True)
class _LogProbabilities:
    logits: Node
    axis: int
    sign: float = 1.0


@dataclass(frozen=True)
class _Term:
    """``factor`` times a sum of p·log q or of the chosen log q; ``axes`` are those not yet summed over."""

    node: Node
    logits: Node
    axis: int
    targets: Node
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    factor: float = 1.0

    @property
    def is_loss(self) -> bool:
        """Whether the classes are summed over, and either all examples or none."""
        examples = tuple(axis for axis in range(len(self.logits.spec.shape)) if axis != self.axis)
        return self.axes in ((), examples)


def _log_probabilities(node: Any, taker: Node) -> _LogProbabilities | None:
    """What log(softmax(z)) or log_softmax(z) is taken of, and along which axis."""
    if not isinstance(node, Node) or node.context != taker.context:
        return None
    if node.name == "neg":
        found = _log_probabilities(node.args[0], node)
        return replace(found, sign=-found.sign) if found else None
    if node.name == "log":
        softmax = node.args[0]
        if softmax.name != "softmax" or softmax.context != node.context:
            return None
    elif node.name == "log_softmax":
        softmax = node
    else:
        return None
    logits, axis = softmax.args[:2]
    if node.spec != logits.spec or not logits.spec.shape:
        return None
    return _LogProbabilities(logits, axis % len(logits.spec.shape))


def _log_softmaxes(graph: Graph) -> Iterator[Match]:
    for node in graph.operations:
        if node.name == "log" and node.args[0].name == "softmax" and node.args[0].context == node.context:
            new = replace(new_operation(node, aten.log_softmax.int, *node.args[0].args), kwargs=node.args[0].kwargs)
            yield Match("the logarithm of a softmax", node, new)


def _negative_log_likelihoods(graph: Graph) -> Iterator[Match]:
    for node in graph.operations:
        if node.name != "nll_loss_nd":
            continue
        found = _log_probabilities(node.args[0], node)
        if found and found.sign == 1 and found.axis == min(1, len(found.logits.spec.shape) - 1):
            new = new_operation(node, aten.cross_entropy_loss.default, found.logits, *node.args[1:])
            yield Match("the negative log-likelihood of a softmax", node, new)


def _sums_over_classes(graph: Graph) -> Iterator[Match]:
    for node in graph.operations:
        term = _product(node) or _gathered(node) or _indexed(node)
        loss = None
        while term is not None:
            loss = term if term.is_loss else loss
            term = _with_next(term, graph)
        if loss is not None:
            yield Match("the cross-entropy of a softmax", loss.node, _cross_entropy(loss))


def _product(node: Node) -> _Term | None:
    """p·log q, in either order."""
    if node.name != "mul":
        return None
    for log_q, p in (node.args[:2], node.args[1::-1]):
        found = _log_probabilities(log_q, node)
        if found and isinstance(p, Node) and p.spec == found.logits.spec:
            if p.name == "neg" and p.context == node.context:
                return _term(node, found, p.args[0], -found.sign)
            return _term(node, found, p, found.sign)
    return None


def _term(node: Node, found: _LogProbabilities, targets: Node, factor: float) -> _Term:
    """A term in which nothing is summed yet."""
    shape = node.spec.shape
    return _Term(node, found.logits, found.axis, targets, shape, tuple(range(len(shape))), factor)


def _gathered(node: Node) -> _Term | None:
    """log q at class numbers, by ``gather`` of the numbers with an axis of length 1."""
    found = _log_probabilities(node.args[0], node) if node.name == "gather" else None
    if not found or node.args[1] % len(found.logits.spec.shape) != found.axis or node.args[2].name != "unsqueeze":
        return None
    targets = node.args[2].args[0]
    if targets.spec.shape != _without(found.logits.spec.shape, found.axis):
        return None
    return _term(node, found, targets, found.sign)


def _indexed(node: Node) -> _Term | None:
    """log q at class numbers, by ``log_q[torch.arange(n), targets]``."""
    found = _log_probabilities(node.args[0], node) if node.name == "index" else None
    if not found or found.axis != 1 or len(found.logits.spec.shape) != 2 or len(node.args[1]) != 2:
        return None
    rows, targets = node.args[1]
    count = found.logits.spec.shape[0]
    if rows is None or rows.name != "arange" or rows.args != (count,) or targets.spec.shape != (count,):
        return None
    if targets.spec.dtype != torch.int64:
        return None
    return _Term(node, found.logits, 1, targets, (count, 1), (0,), found.sign)


def _with_next(term: _Term, graph: Graph) -> _Term | None:
    """The term with the operation that takes it, if there is just one and it is linear."""
    takers = graph.consumers[term.node]
    if len(takers) != 1 or term.node in graph.outputs or takers[0].context != term.node.context:
        return None
    step = _STEPS.get(takers[0].name)
    return step(term, takers[0]) if step and takers[0].spec.dtype == term.node.spec.dtype else None


def _negated(term: _Term, node: Node) -> _Term:
    return replace(term, node=node, factor=-term.factor)


def _scaled(term: _Term, node: Node) -> _Term | None:
    numbers = [argument for argument in node.args if isinstance(argument, int | float)]
    if len(numbers) != 1 or node.kwargs:
        return None
    return replace(term, node=node, factor=term.factor * (1 / numbers[0] if node.name == "div" else numbers[0]))


def _summed(term: _Term, node: Node) -> _Term | None:
    dims = node.args[1] if len(node.args) > 1 and node.args[1] else range(len(term.axes))
    if len(node.args) > 2 or node.kwargs:
        return None
    gone = {term.axes[dim] for dim in dims} if term.axes else set()
    left = tuple(axis for axis in term.axes if axis not in gone)
    count = math.prod(term.shape[axis] for axis in gone) if node.name == "mean" else 1
    return replace(term, node=node, axes=left, factor=term.factor / count)


def _squeezed(term: _Term, node: Node) -> _Term | None:
    left = tuple(axis for axis in term.axes if axis != term.axis)
    is_classes = len(node.args) == 2 and isinstance(node.args[1], int) and term.axis in term.axes
    if not is_classes or term.axes[node.args[1]] != term.axis or term.shape[term.axis] != 1:
        return None
    return replace(term, node=node, axes=left)


_STEPS: dict[str, Callable[[_Term, Node], _Term | None]] = {
    "neg": _negated,
    "mul": _scaled,
    "div": _scaled,
    "sum": _summed,
    "mean": _summed,
    "squeeze": _squeezed,
}


def _cross_entropy(loss: _Term) -> Node:
    """The fused operation, and a multiplication where the factor is not that of its reduction."""
    logits = _classes_second(loss, loss.logits)
    targets = _classes_second(loss, loss.targets) if loss.targets.spec == loss.logits.spec else loss.targets
    count = math.prod(_without(loss.logits.spec.shape, loss.axis))
    is_mean = not loss.axes and math.isclose(loss.factor, -1 / max(count, 1))
    reduction = _NONE if loss.axes else _MEAN if is_mean else _SUM
    arguments = (logits, targets) if is_mean else (logits, targets, None, reduction)
    fused = new_operation(loss.node, aten.cross_entropy_loss.default, *arguments)
    if is_mean or loss.factor == -1:
        return fused
    return new_operation(loss.node, aten.mul.Tensor, fused, -loss.factor)


def _classes_second(loss: _Term, node: Node) -> Node:
    """The tensor with the axis of classes where ``cross_entropy_loss`` wants it."""
    shape = loss.logits.spec.shape
    if loss.axis == min(1, len(shape) - 1):
        return node
    examples = _without(shape, loss.axis)
    spec = TensorSpec((examples[0], shape[loss.axis], *examples[1:]), node.spec.dtype, node.spec.device)
    return new_operation(loss.node, aten.movedim.int, node, loss.axis, 1, spec=spec)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]
