"""A probe on a part of its batch."""

from typing import Any

from torch import Tensor
from torch.utils import _pytree as pytree

from shinso.lens._probe import Probe


def first_examples(probe: Probe, count: int) -> Probe:
    """The probe on the first examples of its batch: of every tensor whose first axis is as long as the batch."""
    size = _batch_size(probe.inputs)
    if size is None or size <= count:
        return probe

    def cut(leaf: Any) -> Any:
        return leaf[:count] if isinstance(leaf, Tensor) and leaf.dim() and len(leaf) == size else leaf

    return probe.on(pytree.tree_map(cut, probe.inputs), pytree.tree_map(cut, probe.targets))


def _batch_size(inputs: Any) -> int | None:
    return next((len(leaf) for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, Tensor) and leaf.dim()), None)
