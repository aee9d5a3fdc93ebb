"""Which rows of a layer's tensors belong to which example."""

import torch
from jaxtyping import Shaped
from torch import Tensor


class NotByExample(Exception):
    """Says why the gradient of single examples cannot be told from what was seen."""


def by_example(tensor: Shaped[Tensor, "..."], batch_size: int, kept: int) -> Shaped[Tensor, "batch positions ..."]:
    """The tensor with all axes but the last ``kept`` as two: examples, and positions within an example.

    Examples lie along the first axis, else along the second (as in recurrent networks that put time first), else a
    first axis that is a multiple of the batch is read as the positions of each example side by side. Raises
    NotByExample if none fits.
    """
    leading, last = tensor.shape[: tensor.dim() - kept], tensor.shape[tensor.dim() - kept :]
    if batch_size and leading and leading[0] != batch_size:
        if len(leading) > 1 and leading[1] == batch_size:
            tensor = tensor.transpose(0, 1)
        elif leading[0] % batch_size:
            raise NotByExample(
                f"a layer saw a tensor of shape {tuple(tensor.shape)}, of which no axis is that of the {batch_size} "
                "examples of the batch"
            )
    elif not leading or not batch_size:
        raise NotByExample(f"a layer saw a tensor of shape {tuple(tensor.shape)}, which has no axis of examples")
    return tensor.reshape(batch_size, -1, *last)


def wide(tensor: Shaped[Tensor, "..."]) -> Shaped[Tensor, "..."]:
    """Half-precision entries as single precision: sums of their squares overflow."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
