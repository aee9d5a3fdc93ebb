"""How many examples a batch has, and among how many classes they are told apart."""

from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_leaves  # torch's only walk over nested inputs; used by torch.func as well


def count_examples(batch: Any) -> int:
    """The length of the first tensor in the batch; raises ValueError without a tensor or with an empty one."""
    tensors = [leaf for leaf in tree_leaves(batch) if isinstance(leaf, Tensor) and leaf.dim()]
    if not tensors:
        raise ValueError(f"cannot count the examples of a {type(batch).__name__} without tensors: pass examples=…")
    if len(tensors[0]) == 0:
        raise ValueError("the batch is empty; expected at least one example")
    return len(tensors[0])


def count_observations(inputs: Any, targets: Any) -> int:
    """How many terms a mean log-likelihood is of: class numbers, as of each token or pixel, else examples."""
    several = isinstance(targets, Tensor) and not targets.is_floating_point() and targets.dim() > 1
    return targets.numel() if several and targets.numel() else count_examples(inputs if targets is None else targets)


def count_classes(outputs: Any, targets: Any) -> int | None:
    """The number of logits of each example where targets are class numbers; None where they are not.

    Nor are they beside a single output, which is a number or the logit of one of two.

    Raises ValueError for a target that is no class.
    """
    if not (isinstance(outputs, Tensor) and isinstance(targets, Tensor)) or targets.is_floating_point():
        return None
    if outputs.dim() < 2 or outputs.shape[:1] + outputs.shape[2:] != targets.shape:
        return None
    classes = outputs.shape[1]
    if classes < 2:
        return None
    if bool(((targets < 0) | (targets >= classes)).any()):
        raise ValueError(
            f"targets go from {int(targets.min())} to {int(targets.max())}, but the network has {classes} outputs: "
            f"expected class numbers in 0..{classes - 1}"
        )
    return classes
