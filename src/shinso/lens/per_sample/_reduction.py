"""Reducing the examples' gradients while the backward pass runs, so that layers' tensors are let go one by one."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from shinso.lens._call import Call, Pass, Source
from shinso.lens.per_sample._example_gradients import ExampleGradients
from shinso.lens.per_sample._rows import NotByExample, wide
from shinso.lens.per_sample._rules import by_parameter, is_of_layer, of_sources, together

ENTRIES = 4096
"""How many random entries are drawn of each pass."""
_TOLERANCE = 0.02
"""Of the sum over examples against the gradient that the backward pass gave; half precision differs by less."""

Draw = tuple[Int[Tensor, " drawn"], Int[Tensor, " drawn"]]
"""Examples, and entries of the flattened parameter."""


class Sums(NamedTuple):
    """Of the contributions of a pass's examples to the gradient of one parameter."""

    squared_norms: Float[Tensor, " batch"]
    products: Float[Tensor, " batch"]
    """With the gradient of the pass."""
    entries: Float[Tensor, " drawn"] | None = None


def sums_of(gradients: ExampleGradients, whole: Float[Tensor, "..."], draw: Draw | None) -> Sums:
    """The sums of contributions to a gradient that is known as a whole."""
    entries = None if draw is None else gradients.entries(*(part.to(whole.device) for part in draw))
    return Sums(*gradients.sums(whole), entries)


class SumTable(NamedTuple):
    """Sums of several parameters; NaN where they are not known."""

    squared_norms: Float[Tensor, "parameters batch"]
    products: Float[Tensor, "parameters batch"]
    whole: Float[Tensor, " parameters"]
    """The squared norm of what the backward pass gave."""


@dataclass(eq=False)
class PassSums:
    """Of one pass, by parameter."""

    batch_size: int
    gradients: Mapping[str, Shaped[Tensor, "..."]]
    """What the backward pass gave."""
    sums: dict[str, Sums] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why there are no sums."""
    draws: dict[str, Draw] = field(default_factory=dict)

    def table(self, parameters: Sequence[str]) -> SumTable:
        """The sums of these parameters, where they add up to the gradient; zero where it received none."""
        wholes = [dense(self.gradients[name]) for name in parameters if name in self.gradients]
        lengths = dict(zip((n for n in parameters if n in self.gradients), torch._foreach_norm(wholes), strict=True))
        some = wholes[0] if wholes else torch.zeros(1)
        unknown = some.new_full((self.batch_size,), float("nan"))
        missing = {name: unknown if name in lengths else torch.zeros_like(unknown) for name in parameters}
        found = [self.sums.get(name) or Sums(missing[name], missing[name]) for name in parameters]
        squares = torch.stack([sums.squared_norms.to(some.device) for sums in found])
        products = torch.stack([sums.products.to(some.device) for sums in found])
        nothing = some.new_zeros(())
        expected = torch.stack([lengths.get(name, nothing).to(some.device) for name in parameters]).square()
        slack = _TOLERANCE * (expected + 0.05 * (expected * self.batch_size * squares.sum(1)).sqrt())
        add_up = ((products.sum(1) - expected).abs() <= slack).unsqueeze(1)
        return SumTable(torch.where(add_up, squares, unknown), torch.where(add_up, products, unknown), expected)


class Reduction:
    """Reduces what a pass brings to each parameter as soon as its gradient is there, and lets go of the layers.

    Parameters whose uses are not all plain calls of layers are reduced when the pass is over.
    """

    def __init__(self, parameters: Mapping[str, Tensor], seed: int | None) -> None:
        self._sizes = {name: parameter.numel() for name, parameter in parameters.items() if parameter.requires_grad}
        self._seed = seed
        """None to draw no entries."""
        self._passes: dict[Pass, PassSums] = {}
        self._contributions: dict[Call, list[tuple[Source, Tensor, ExampleGradients]]] = {}

    def gradient_is_there(self, seen: Pass, name: str) -> None:
        """Reduce one parameter, if all its uses are plain calls of layers."""
        known = self.of(seen)
        if name in known.sums:
            known.sums.pop(name)
            known.reasons[name] = "two backward passes went through one forward pass, whose tensors were let go between"
        calls = [call for call in seen.uses.get(name, ()) if call.gradients]
        plain = calls and all(map(is_of_layer, calls)) and name not in seen.through_others
        if not plain or name in known.reasons:
            return
        with torch.no_grad(), suppress(NotByExample):  # its reason is found again at the end
            parts = [part for call in calls for part in self._parts(call, seen.batch_size, name)]
            whole = dense(seen.gradients[name])
            gradients = together(parts, seen.batch_size, whole.numel())
            known.sums[name] = sums_of(gradients, whole, known.draws.get(name))
        for call in calls:
            if all(source.parameter in known.sums for source in call.sources.values()):
                self._contributions.pop(call, None)
                call.release()

    def finish(self, seen: Pass) -> None:
        """Reduce what is left, and let go of it."""
        known = self.of(seen)
        with torch.no_grad():
            contributions, reasons = by_parameter(seen)
            for name, gradients in contributions.items():
                if name in seen.gradients and name not in known.sums and name not in known.reasons:
                    known.sums[name] = sums_of(gradients, dense(seen.gradients[name]), known.draws.get(name))
        known.reasons = {**reasons, **known.reasons}
        self._contributions.clear()
        for call in seen.calls:
            call.release()

    def of(self, seen: Pass) -> PassSums:
        """What is known of a pass."""
        if seen not in self._passes:
            draws = {} if self._seed is None else drawn(self._sizes, seen.batch_size, ENTRIES, self._seed)
            self._passes[seen] = PassSums(seen.batch_size, seen.gradients, draws=draws)
        return self._passes[seen]

    def _parts(self, call: Call, batch_size: int, name: str) -> list[ExampleGradients]:
        if call not in self._contributions:
            self._contributions[call] = of_sources(call, batch_size)
        return [gradients for source, _, gradients in self._contributions[call] if source.parameter == name]


def dense(gradient: Shaped[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The gradient without gaps, in at least single precision."""
    return wide(gradient.to_dense() if gradient.is_sparse else gradient)


def drawn(sizes: Mapping[str, int], batch_size: int, count: int, seed: int) -> dict[str, Draw]:
    """Random pairs of an example and an entry of all parameters together, all pairs as likely, by parameter."""
    generator = torch.Generator().manual_seed(seed)
    ends = np.cumsum(list(sizes.values()))
    # NumPy sorts a few thousand numbers several times faster.
    entries = np.sort(torch.randint(int(ends[-1]), (count,), generator=generator).numpy())
    examples = torch.randint(max(batch_size, 1), (count,), generator=generator)
    borders = [0, *np.searchsorted(entries, ends).tolist()]
    return {
        name: (examples[start:stop], torch.from_numpy(entries[start:stop] - (end - size)))
        for (name, size), end, (start, stop) in zip(sizes.items(), ends, pairwise(borders), strict=True)
        if stop > start
    }
