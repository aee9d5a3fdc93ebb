"""The loss of each example, for a loss that gives the mean over a batch."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor
from torch.func import vmap

from shinso.lens._probe import Loss


def example_losses(loss: Loss, outputs: Any, targets: Any) -> Float[Tensor, " batch"]:
    """The loss of each example as a batch of one.

    Outputs and targets are tensors, or tuples, lists and mappings of them, with the examples along the first axis;
    targets may be None, for a loss without any.

    >>> import torch
    >>> example_losses(torch.nn.MSELoss(), torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))
    tensor([1., 9.])
    """
    if targets is None:
        return vmap(lambda output: loss(_batch_of_one(output), None))(outputs)
    return vmap(lambda output, target: loss(_batch_of_one(output), _batch_of_one(target)))(outputs, targets)


def _batch_of_one(example: Any) -> Any:
    if isinstance(example, Tensor):
        return example.unsqueeze(0)
    if isinstance(example, Mapping):
        return type(example)({name: _batch_of_one(part) for name, part in example.items()})  # type: ignore[call-arg]
    # A named tuple is made of a sequence by _make.
    return getattr(type(example), "_make", type(example))(map(_batch_of_one, example))
