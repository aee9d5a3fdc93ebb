"""What one operation costs forward and back, found by running it on tensors without numbers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from shinso.graph._evaluate import compute
from shinso.graph._kernel_watch import KernelWatch
from shinso.graph._node import Node


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
    gradients: Mapping[int, tuple[Layout, int]]
    """Layout and storage of each operand's gradient, by the operand's position."""
    sizes: tuple[int, ...]
    peak_bytes: int
    """Taken at most beyond what was there before, the gradients included."""


@contextmanager
def without_numbers(device: torch.device) -> Iterator[None]:
    """While it is on, tensors on the device are made and computed with as shapes only.

    Recurrent layers are one kernel in cuDNN and oneDNN, whose insides nothing is known of: their plain forms are used.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode

    with torch.backends.cudnn.flags(enabled=False), torch.backends.mkldnn.flags(enabled=False):
        if device.type == "meta":
            yield
            return
        # The only way to a device's own choice of kernels without the device: flop counting in torch uses it too.
        with FakeTensorMode():
            yield


def operation_cost(
    node: Node, operands: Mapping[Node, Operand], wanted: frozenset[int]
) -> tuple[Forward, Backward]:
    """The costs of an operation; ``wanted`` are the positions of those of its results that adjoints come for."""
    watch = KernelWatch()
    taken = {parent: operand.layout.stand_in(operand.requires_grad) for parent, operand in operands.items()}
    for parent, tensor in taken.items():
        watch.introduce(tensor, operands[parent].from_input)
    saved: dict[int, None] = {}

    def pack(tensor: Tensor) -> Tensor:
        saved[watch.number(tensor)] = None
        return tensor.detach()  # a result that is kept would keep itself alive

    with watch, torch.set_grad_enabled(node.context.gradients):
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            value = compute(node, taken)
        results = pytree.tree_map_only(Tensor, lambda t: Result(Layout.of(t), t.requires_grad, watch.number(t)), value)
        forward = Forward(
            watch.macs, watch.matmul_macs, results, tuple(saved), tuple(watch.sizes), watch.peak_bytes
        )
    outputs = dict(enumerate(leaf for leaf in pytree.tree_leaves(value) if isinstance(leaf, Tensor)))
    del value
    return forward, _backward(watch, outputs, list(taken.values()), wanted)


def _backward(
    watch: KernelWatch, outputs: dict[int, Tensor], operands: list[Tensor], wanted: frozenset[int]
) -> Backward:
    bars = {at: Layout.of(out).stand_in() for at, out in outputs.items() if at in wanted and out.requires_grad}
    adjoints = {at: watch.introduce(bar, from_input=True) for at, bar in bars.items()}
    sources = {at: operand for at, operand in enumerate(operands) if operand.requires_grad}
    found: dict[int, tuple[Layout, int]] = {}
    watch.start_again()
    before = watch.live_bytes
    if bars and sources:
        with watch:
            pulled = torch.autograd.grad(
                [outputs[at] for at in bars], list(sources.values()), list(bars.values()), allow_unused=True
            )
            for at, gradient in zip(sources, pulled, strict=True):
                if gradient is not None:
                    found[at] = (Layout.of(gradient), watch.number(gradient))
    return Backward(
        watch.macs + watch.matmul_macs, adjoints, found, tuple(watch.sizes), watch.peak_bytes - before
    )
