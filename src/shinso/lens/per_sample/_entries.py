"""Entries of the examples' gradients at random, for histograms."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens._step import Step
from shinso.lens.per_sample._per_sample import PerSample, per_sample_of
from shinso.lens.per_sample._reduction import drawn


@dataclass(frozen=True)
class Entries:
    """Entries of single examples' gradients, drawn with replacement, all pairs of example and entry being as likely."""

    values: Float[Tensor, " count"]
    places: dict[str, Int[Tensor, " drawn"]]
    """Which entries of the flattened parameters they are, by parameter, in the order of the values."""


def random_entries(gradients: PerSample, count: int, seed: int) -> Entries:
    """``count`` random entries of random examples' gradients, of the parameters whose contributions are at hand.

    Raises ValueError where there are none.
    """
    sizes = {name: gradients.mean[name].numel() for name in gradients.at_hand}
    if not sizes:
        raise ValueError(f"no parameter's gradients by example are at hand: {gradients.why_not_seen()}")
    draws = drawn(sizes, gradients.batch_size, count, seed)
    values = [
        gradients.entries(name, *(part.to(gradients.mean[name].device) for part in draw))
        for name, draw in draws.items()
    ]
    device = values[0].device
    return Entries(torch.cat([v.to(device) for v in values]), {name: where for name, (_, where) in draws.items()})


def entries_of_step(step: Step) -> Entries:
    """The entries that were drawn in a step of training, by its number; for ``step.once``."""
    return Entries(*step.once(per_sample_of).drawn_entries())
