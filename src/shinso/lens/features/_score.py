"""What is to be explained: one number for each example, made of the model's outputs."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

Score = Callable[[Any], Float[Tensor, " batch"]]
"""From the model's outputs to the number to be explained of each example."""


def logit_of(targets: Shaped[Tensor, "..."]) -> Score:
    """The score of outputs [batch, classes] that takes of each example the logit of its target class.

    Raises ValueError unless the targets are one integer for each example.

    >>> import torch
    >>> logit_of(torch.tensor([1, 0]))(torch.tensor([[0.1, 0.9], [0.7, 0.3]]))
    tensor([0.9000, 0.7000])
    """
    if targets.is_floating_point() or targets.dim() != 1:
        raise ValueError(
            f"targets are class numbers, one integer for each example; got {targets.dtype} of shape "
            f"{tuple(targets.shape)}. For other outputs give a score: a function of them to one number an example"
        )

    def logits(outputs: Any) -> Float[Tensor, " batch"]:
        shape = tuple(outputs.shape) if isinstance(outputs, Tensor) else type(outputs).__name__
        if not isinstance(outputs, Tensor) or outputs.dim() != 2 or len(outputs) != len(targets):
            raise ValueError(
                f"the logit of a class is one of outputs [batch, classes], here of {len(targets)} examples; the model "
                f"gives {shape}. For other outputs give a score: a function of them to one number an example"
            )
        return outputs.gather(1, targets.to(outputs.device, torch.int64).unsqueeze(1)).squeeze(1)

    return logits


def checked(scores: Any, batch: int) -> Float[Tensor, " batch"]:
    """The scores; raises ValueError unless they are one number for each example."""
    shape = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
    if not isinstance(scores, Tensor) or shape != (batch,):
        raise ValueError(f"the score must be one number for each of the {batch} examples; got {shape}")
    return scores
