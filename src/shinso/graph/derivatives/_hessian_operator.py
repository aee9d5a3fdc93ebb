"""The Hessian as a linear map, by whichever way of multiplying is faster on the network at hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from shinso._run_with import run_with
from shinso._text_columns import columns
from shinso.graph._timing import duration_text, seconds_in_turn
from shinso.graph.derivatives._hessian_products import DoubleBackward, ForwardOverReverse, Loss, check_scalar
from shinso.graph.derivatives._parameter_vectors import check_parameters, flat_vector

_WAYS: dict[str, Callable[[Loss, Any], Callable[[Any], Any]]] = {
    "double backward": DoubleBackward,
    "forward over reverse": ForwardOverReverse,
}


@dataclass(frozen=True, eq=False)
class HessianOperator:
    """The Hessian of a loss at a point; ``operator @ vector`` is a product, ``print(operator)`` what was measured."""

    parameters: Any
    """The point, nested as the loss takes it."""
    way: str
    """The way of multiplying that was kept."""
    seconds: Mapping[str, float]
    """The time of one product in each way that works."""
    failures: Mapping[str, str]
    """Why a way does not work on this loss, if one does not."""
    _product: Callable[[Any], Any] = field(repr=False)

    @property
    def size(self) -> int:
        """How many parameters there are."""
        return sum(leaf.numel() for leaf in pytree.tree_leaves(self.parameters))

    def __matmul__(self, vector: Any) -> Any:
        """The product with a vector that is flat or nested like the parameters, and is returned so."""
        return self._product(vector)

    def __str__(self) -> str:
        rows = [(way, duration_text(self.seconds.get(way)), "kept" if way == self.way else "") for way in _WAYS]
        head = f"Hessian of {self.size} parameters, multiplied by {self.way}"
        table = columns(("way", "time of a product", ""), rows)
        reasons = [f"{way} does not work: {reason}" for way, reason in self.failures.items()]
        return "\n\n".join([head, table, *reasons])


def hessian_operator(loss: Loss, parameters: Any, *, rounds: int = 3) -> HessianOperator:
    """The Hessian of ``loss(parameters)``, multiplied by the faster of double backward and forward over reverse.

    Both are measured here on this loss, in turn. A way that needs a derivative torch does not have is left out. Raises
    ValueError if the loss is not the same each time (dropout) or the two ways contradict each other, RuntimeError if
    neither works.
    """
    check_parameters(parameters)
    _check_repeatable(loss, parameters)
    direction = torch.ones_like(flat_vector(parameters))
    works: dict[str, Callable[[Any], Any]] = {}
    products: list[Tensor] = []
    failures: dict[str, str] = {}
    for way, make in _WAYS.items():
        try:
            works[way] = make(loss, parameters)
            products.append(works[way](direction))
        except RuntimeError as error:
            works.pop(way, None)
            failures[way] = str(error).split("\n", 1)[0].split(". ", 1)[0]
    if not works:
        reasons = "; ".join(f"{way}: {reason}" for way, reason in failures.items())
        raise RuntimeError(f"torch can multiply the Hessian of this loss in neither way: {reasons}")
    _check_equal(products)
    calls = {way: partial(product, direction) for way, product in works.items()}
    times = seconds_in_turn(calls, rounds)
    fastest = min(times, key=times.__getitem__)
    return HessianOperator(parameters, fastest, times, failures, works[fastest])


def loss_of_network(
    network: nn.Module, criterion: Callable[[Any, Any], Tensor], inputs: Any, targets: Any
) -> tuple[Loss, dict[str, Tensor]]:
    """``criterion(network(inputs), targets)`` as a function of the network's parameters by name, and these parameters.

    The network stays as it is: its buffers are copied at each run. Parameters that do not require gradients are fixed.
    """
    parameters = {name: value.detach() for name, value in network.named_parameters() if value.requires_grad}

    def loss(named: Any) -> Tensor:
        buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
        return criterion(run_with(network, {**named, **buffers}, (inputs,), {}), targets)

    return loss, parameters


def _check_equal(products: list[Tensor]) -> None:
    largest = max(float(product.norm()) for product in products)
    gap = max(float((product - products[0]).norm()) for product in products)
    if gap > 1e-2 * largest:
        raise ValueError(
            f"double backward and forward over reverse give products that differ by {gap:.3g}, of size {largest:.3g}: "
            f"the derivatives of an operation contradict each other; check the jvp and backward of custom functions"
        )


def _check_repeatable(loss: Loss, parameters: Any) -> None:
    with torch.no_grad():
        first, second = loss(parameters), loss(parameters)
    check_scalar(first)
    if not torch.isfinite(first):
        raise ValueError(
            f"the loss is {float(first)}; a Hessian needs a finite one: check the parameters and the batch"
        )
    if not torch.allclose(first, second, rtol=1e-4, atol=1e-6):
        raise ValueError(
            f"the loss is {float(first):.6g} and then {float(second):.6g} at the same parameters; a Hessian "
            f"needs a loss that is the same each time: switch dropout off with network.eval(), and fix the batch"
        )
