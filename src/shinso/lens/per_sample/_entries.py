"""Entries of the examples' gradients at random, for histograms."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens._step import Step
from shinso.lens.per_sample._per_sample import PerSample, per_sample_of


@dataclass(frozen=True)
class Entries:
    """Entries of single examples' gradients, drawn with replacement, all pairs of example and entry being as likely."""

    values: Float[Tensor, " count"]
    places: dict[str, tuple[slice, Int[Tensor, " drawn"]]]
    """By parameter, where its entries are among the values, and which of the flattened parameter's they are."""


def random_entries(gradients: PerSample, count: int, generator: torch.Generator) -> Entries:
    """``count`` random entries of random examples' gradients, of the parameters for which contributions were found.

    Raises ValueError where nothing is seen of any parameter.
    """
    names = gradients.known
    if not names:
        raise ValueError(f"no parameter's gradients by example are seen: {gradients.why_not_seen()}")
    ends = torch.tensor([gradients.mean[name].numel() for name in names]).cumsum(0)
    # NumPy sorts a few thousand numbers several times faster.
    drawn = torch.from_numpy(np.sort(torch.randint(int(ends[-1]), (count,), generator=generator).numpy()))
    examples = torch.randint(gradients.batch_size, (count,), generator=generator)
    values, places = [], {}
    borders = torch.searchsorted(drawn, ends).tolist()
    for name, first, start, stop in zip(names, [0, *ends.tolist()], [0, *borders], borders, strict=False):
        if stop > start:
            device = gradients.mean[name].device
            entries = (drawn[start:stop] - first).to(device)
            places[name] = (slice(start, stop), entries)
            values.append(gradients.entries(name, examples[start:stop].to(device), entries))
    return Entries(torch.cat([value.to(values[0].device) for value in values]), places)


@dataclass(frozen=True)
class EntriesOfStep:
    """Draws entries of a step's gradients; equal draws of one step are computed once (``step.once``)."""

    count: int
    seed: int

    def __call__(self, step: Step) -> Entries:
        """The entries; the draw depends on the seed and the number of the step alone."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + step.number)
        return random_entries(step.once(per_sample_of), self.count, generator)
