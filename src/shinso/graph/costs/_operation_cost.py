"""What one operation costs forward and back, found by running it on tensors without numbers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from shinso.graph._evaluate import compute
from shinso.graph._node import Node
from shinso.graph.costs._kernel_watch import KernelWatch


class Layout(NamedTuple):
    """What decides about a tensor's memory."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, tensor: Tensor) -> "Layout":
        """The layout of a tensor."""
        return cls(tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype, tensor.device)

    def stand_in(self, requires_grad: bool = False) -> Tensor:
        """A tensor with this layout and no numbers that mean anything."""
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype, device=self.device).requires_grad_(
            requires_grad
        )


class Operand(NamedTuple):
    """A tensor that an operation takes."""

    layout: Layout
    requires_grad: bool
    from_input: bool
    """Whether it depends on what the network is called with, as activations do and weights do not."""


class Result(NamedTuple):
    """A tensor that an operation returns."""

    layout: Layout
    requires_grad: bool
    storage: int


@dataclass(frozen=True)
class Forward:
    """An operation's way forward. Storages are numbered from 0, those of the operands first."""

    macs: int
    matmul_macs: int
    results: Any
    """A Result for each tensor returned, in the structure of the node's spec."""
    saved: tuple[int, ...]
    """The storages that autograd keeps for the backward."""
    sizes: tuple[int, ...]
    """Bytes of each storage."""
    peak_bytes: int
    """Taken at most at one time, the results included."""


@dataclass(frozen=True)
class Backward:
    """An operation's way back. The storages of the way forward are numbered on."""

    macs: int
    adjoints: Mapping[int, int]
    """The storage of each result's adjoint, by the result's position."""
    gradients: Mapping[int, int]
    """The storage of each operand's gradient, by the operand's position."""
    sizes: tuple[int, ...]
    peak_bytes: int
    """Taken at most beyond what was there before, the gradients included."""


@contextmanager
def without_numbers(device: torch.device) -> Iterator[None]:
    """While it is on, tensors on the device are made and computed with as shapes only."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    # No public way gives a device's own choice of kernels without the device; flop counting in torch uses this too.
    with _plain_recurrent_layers(), nullcontext() if device.type == "meta" else FakeTensorMode():
        yield


@contextmanager
def _plain_recurrent_layers() -> Iterator[None]:
    """In cuDNN and oneDNN they are one kernel, of whose insides nothing is known."""
    was_on = torch._C._get_mkldnn_enabled()
    # torch.backends.mkldnn.flags would do, and warns on machines without a GPU of Intel's.
    torch._C._set_mkldnn_enabled(False)
    try:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        torch._C._set_mkldnn_enabled(was_on)


def operation_cost(node: Node, operands: Mapping[Node, Operand], wanted: frozenset[int]) -> tuple[Forward, Backward]:
    """The costs of an operation; ``wanted`` are the positions of those of its results that adjoints come for."""
    watch = KernelWatch()
    taken = {parent: operand.layout.stand_in(operand.requires_grad) for parent, operand in operands.items()}
    for parent, tensor in taken.items():
        watch.introduce(tensor, operands[parent].from_input)
    value, saved = _computed(node, taken, watch)

    def result(tensor: Tensor) -> Result:
        return Result(Layout.of(tensor), tensor.requires_grad and node.context.gradients, watch.number(tensor))

    with watch:
        results = pytree.tree_map_only(Tensor, result, value)
    forward = Forward(watch.macs, watch.matmul_macs, results, saved, tuple(watch.sizes), watch.peak_bytes)
    smooth = {
        at: tensor
        for at, (leaf, tensor) in enumerate(zip(_result_leaves(results), pytree.tree_leaves(value), strict=True))
        if at in wanted and isinstance(leaf, Result) and leaf.requires_grad
    }
    del value
    return forward, _pulled_back(watch, smooth, list(taken.values()))


def _computed(node: Node, operands: Mapping[Node, Tensor], watch: KernelWatch) -> tuple[Any, tuple[int, ...]]:
    """The value of an operation, and the storages that autograd keeps."""
    saved: dict[int, None] = {}

    def pack(tensor: Tensor) -> Tensor:
        saved[watch.number(tensor)] = None
        return tensor.detach()  # a result that is kept would keep itself alive

    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with watch, torch.set_grad_enabled(node.context.gradients), hooks:
        return compute(node, dict(operands)), tuple(saved)


def _pulled_back(watch: KernelWatch, results: Mapping[int, Tensor], operands: list[Tensor]) -> Backward:
    bars = {at: Layout.of(result).stand_in() for at, result in results.items()}
    adjoints = {at: watch.introduce(bar, from_input=True) for at, bar in bars.items()}
    sources = {at: operand for at, operand in enumerate(operands) if operand.requires_grad}
    gradients: dict[int, int] = {}
    watch.start_again()
    before = watch.live_bytes
    if bars and sources:
        with watch:
            pulled = torch.autograd.grad(
                list(results.values()), list(sources.values()), list(bars.values()), allow_unused=True
            )
            gradients = {at: watch.number(bar) for at, bar in zip(sources, pulled, strict=True) if bar is not None}
    macs = watch.macs + watch.matmul_macs
    return Backward(macs, adjoints, gradients, tuple(watch.sizes), watch.peak_bytes - before)


def _result_leaves(results: Any) -> list[Any]:
    return pytree.tree_leaves(results, is_leaf=lambda leaf: isinstance(leaf, Result))
