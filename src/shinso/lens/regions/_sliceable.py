"""Inputs between which there are others."""

from jaxtyping import Float
from torch import Tensor

from shinso.lens._probe import Probe


def examples_of(probe: Probe, count: int, lens: str) -> Float[Tensor, "count *input"]:
    """The first inputs of the batch; raises where they are too few, or not one tensor of floating point."""
    inputs = probe.inputs
    if isinstance(inputs, tuple | list) and len(inputs) == 1:
        (inputs,) = inputs
    if not isinstance(inputs, Tensor) or not inputs.is_floating_point():
        kind = str(inputs.dtype) if isinstance(inputs, Tensor) else type(inputs).__name__
        raise ValueError(
            f"{lens} looks between inputs and needs them as one tensor of floating point; got {kind}: give it the part "
            "of the model after the embedding, or a module of one tensor around yours"
        )
    if len(inputs) < count:
        raise ValueError(f"{lens} needs a batch of at least {count} examples; got {len(inputs)}")
    return inputs[:count].detach()
