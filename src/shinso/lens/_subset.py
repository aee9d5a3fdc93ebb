"""A few random examples of a batch, for what would cost too much on all of it."""

from typing import Any

import torch

from shinso.lens._nested import tensors_in, with_tensors
from shinso.lens._probe import Probe
from shinso.lens._step import Step


def random_examples(probe: Probe, count: int, generator: torch.Generator) -> Probe:
    """The probe on ``count`` random examples of its batch, or on all if there are no more.

    Every tensor of the inputs and targets whose first axis is as long as that of the first input is taken by example.
    On all also where the targets have no such tensor, because they are flattened or time comes first in the inputs:
    which of them belong to an example is not known. Raises ValueError for a batch without a tensor that has a first
    axis.
    """
    sized = [tensor for tensor in tensors_in(probe.inputs) if tensor.dim()]
    if not sized:
        raise ValueError("the batch has no tensor whose first axis is that of the examples: choose none of them")
    size = len(sized[0])
    lengths = [len(tensor) for tensor in tensors_in(probe.targets) if tensor.dim()]
    if count >= size or (lengths and size not in lengths):
        return probe
    chosen = torch.randperm(size, generator=generator)[:count]

    def take(batch: Any) -> Any:
        return with_tensors(batch, lambda t: t[chosen.to(t.device)] if t.dim() and len(t) == size else t)

    return probe.on(take(probe.inputs), take(probe.targets))


def generator_of(step: Step, seed: int) -> torch.Generator:
    """A generator whose numbers depend on the seed and the number of the step alone."""
    return torch.Generator().manual_seed(seed * 1_000_003 + step.number)
