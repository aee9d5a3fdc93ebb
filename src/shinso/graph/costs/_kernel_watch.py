"""What the kernels of one operation multiply, and the memory they take while they run."""

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from shinso.graph.costs._products import factors, multiply_accumulates


class KernelWatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is on, counts products and follows every storage that is made, from its first use until it is freed.

    Storages are numbered in the order they are seen; those of ``introduce`` are not counted as made.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs = 0
        self.matmul_macs = 0
        self.sizes: list[int] = []
        """Bytes of each storage, by its number."""
        self.live_bytes = 0
        self.peak_bytes = 0
        self._numbers: dict[int, int] = {}  # of storages that are alive, by address
        self._from_input: list[bool] = []
        self._finalizers: dict[int, Any] = {}

    def introduce(self, tensor: Tensor, from_input: bool) -> int:
        """The number of a storage that is there before."""
        return self._enter(tensor.untyped_storage(), from_input)

    def number(self, tensor: Tensor) -> int:
        """The number of a tensor's storage."""
        return self._numbers[tensor.untyped_storage()._cdata]

    def start_again(self) -> None:
        """Counts products from zero, and the peak from what is alive."""
        self.macs = self.matmul_macs = 0
        self.peak_bytes = self.live_bytes

    def __torch_dispatch__(self, kernel: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = kernel(*args, **kwargs)
        if kernel is torch.ops.prim.device.default:
            return result
        from_input = any(map(self._is_from_input, _tensors((args, kwargs))))
        for tensor in _tensors(result):
            self._follow(tensor, from_input)
        macs = multiply_accumulates(kernel, args, kwargs, result)
        if macs and all(map(self._is_from_input, factors(kernel, args))):
            self.matmul_macs += macs
        else:
            self.macs += macs
        return result

    def _follow(self, tensor: Tensor, from_input: bool) -> None:
        storage = tensor.untyped_storage()
        known = self._numbers.get(storage._cdata)
        if known is not None:
            self._from_input[known] |= from_input
            return
        number = self._enter(storage, from_input)
        self.live_bytes += self.sizes[number]
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)
        address = storage._cdata
        self._finalizers[number] = weakref.ref(storage, lambda _: self._freed(number, address))

    def _enter(self, storage: torch.UntypedStorage, from_input: bool) -> int:
        number = len(self.sizes)
        self._numbers[storage._cdata] = number
        self.sizes.append(storage.nbytes())
        self._from_input.append(from_input)
        return number

    def _freed(self, number: int, address: int) -> None:
        self.live_bytes -= self.sizes[number]
        if self._numbers.get(address) == number:
            del self._numbers[address]
        self._finalizers.pop(number, None)

    def _is_from_input(self, tensor: Tensor) -> bool:
        number = self._numbers.get(tensor.untyped_storage()._cdata)
        return number is not None and self._from_input[number]


def _tensors(tree: Any) -> Iterable[Tensor]:
    return (leaf for leaf in pytree.tree_leaves(tree) if isinstance(leaf, Tensor))
