"""The gradient of each example of a batch, parameter by parameter, and what its sums say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens._calls import Calls
from shinso.lens._capture import looking_away
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.per_sample._example_gradients import ExampleGradients
from shinso.lens.per_sample._rows import NotByExample, wide
from shinso.lens.per_sample._rules import by_parameter

_TOLERANCE = 0.02
"""Of the sum over examples against the gradient that the backward pass gave; half precision differs by less."""


@dataclass(frozen=True)
class _Part:
    """One pass: its examples and their contributions."""

    batch_size: int
    contributions: Mapping[str, ExampleGradients]


class PerSample:
    """The gradients g_i of the examples' own losses, whose mean is the gradient of the batch.

    The loss is taken to be the mean over the examples, so that g_i is the batch size times what example i contributes
    to the gradient. Through batch normalisation in training the loss of one example depends on all of them, and there
    is no gradient of one alone: g_i is then what the example's own row of every layer adds to the gradient of the loss
    of the whole batch. These still average to the gradient of the batch, but are not what training on the example alone
    would give; for that, put the normalisation in eval mode. Several backward passes in a step are read as parts of one
    batch. Under a gradient scaler all is of the scaled loss.

    Where the contributions of the examples do not add up to the gradient that the backward pass gave, or cannot be told
    apart, the parameter is not seen, and its entries are NaN.
    """

    def __init__(self, calls: Calls) -> None:
        parts = []
        self._reasons: dict[str, str] = {}
        for seen in calls.passes:
            contributions, reasons = by_parameter(seen)
            self._reasons |= reasons
            if seen.batch_size:
                parts.append(_Part(seen.batch_size, contributions))
        self._parts = parts
        self.mean: dict[str, Float[Tensor, "..."]] = {name: _dense(g) for name, g in calls.gradients.items()}
        """The gradient of the batch by parameter, before any clipping."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters that have a gradient."""
        return tuple(self.mean)

    @property
    def batch_size(self) -> int:
        """The number of examples, over all passes."""
        return sum(part.batch_size for part in self._parts)

    @property
    def squared_norms(self) -> Float[Tensor, "parameters batch"]:
        """|g_i|² by parameter tensor and example; NaN where a parameter is not seen."""
        return self._sums[0]

    @property
    def products(self) -> Float[Tensor, "parameters batch"]:
        """The inner product of g_i with the gradient of the batch, by parameter tensor and example."""
        return self._sums[1]

    @cached_property
    def squared_mean_norms(self) -> Float[Tensor, " parameters"]:
        """The squared norm of the gradient of the batch, by parameter tensor."""
        return torch.stack([torch.linalg.vecdot(g.flatten(), g.flatten()) for g in self.mean.values()])

    def why_not_seen(self) -> dict[str, str]:
        """The parameters that are not seen, each with the reason; waits for the device."""
        missing = self._sums[0][:, 0].isnan().tolist()
        return {
            name: self._reasons.get(
                name,
                "the contributions of the examples do not add up to its gradient: part of it came from where nobody "
                "sees, such as an autograd function of the model's own, or the loss is not a mean over examples",
            )
            for name, is_missing in zip(self.parameters, missing, strict=True)
            if is_missing
        }

    def second_moments(self) -> dict[str, Float[Tensor, "..."]]:
        """The mean over examples of g_i² by entry, for each parameter that is seen."""
        return {
            name: torch.stack([uses[name].square_sum() for uses in self._uses_of(name)]).sum(0) * self.batch_size
            for name in self.known
        }

    def entries(
        self, parameter: str, examples: Int[Tensor, " count"], entries: Int[Tensor, " count"]
    ) -> Float[Tensor, " count"]:
        """Single entries of g_i, each of its own example, counted through the flattened parameter."""
        found = self.mean[parameter].new_zeros(len(examples))
        start = 0
        for part in self._parts:
            here = ((examples >= start) & (examples < start + part.batch_size)).nonzero()[:, 0]
            if parameter in part.contributions and len(here):
                values = part.contributions[parameter].entries(examples[here] - start, entries[here])
                found[here] = values.to(found.dtype)
            start += part.batch_size
        return found * self.batch_size

    def gradients(self, parameter: str) -> Float[Tensor, "batch ..."]:
        """The gradients g_i of one parameter, written out; raises KeyError for one that is not seen."""
        parts = [
            uses[parameter].of(slice(0, size)) if parameter in uses else self._nothing(parameter, size)
            for size, uses in ((part.batch_size, part.contributions) for part in self._parts)
            if parameter in self.known or self._refuse(parameter)
        ]
        return torch.cat(parts) * self.batch_size

    @cached_property
    def known(self) -> tuple[str, ...]:
        """The parameters of which contributions were found."""
        return tuple(name for name in self.mean if name not in self._reasons and any(self._uses_of(name)))

    def _uses_of(self, name: str) -> Iterator[Mapping[str, ExampleGradients]]:
        return (part.contributions for part in self._parts if name in part.contributions)

    def _refuse(self, parameter: str) -> bool:
        raise KeyError(f"the gradients of examples are not seen for {parameter!r}: {self._reasons.get(parameter)}")

    def _nothing(self, parameter: str, size: int) -> Tensor:
        return self.mean[parameter].new_zeros(size, *self.mean[parameter].shape)

    @cached_property
    def _sums(self) -> tuple[Float[Tensor, "parameters batch"], Float[Tensor, "parameters batch"]]:
        if not self.mean:
            raise ValueError("no parameter received a gradient: run the backward pass within the step")
        rows = [self._sums_of(name) for name in self.parameters]
        squares, products = torch.stack([row[0] for row in rows]), torch.stack([row[1] for row in rows])
        squares, products = squares * self.batch_size**2, products * self.batch_size
        expected = self.squared_mean_norms
        off = (products.mean(1) - expected).abs()
        slack = _TOLERANCE * (expected + 0.05 * (expected * squares.mean(1)).sqrt())
        unseen = (off > slack).unsqueeze(1)
        return squares.masked_fill(unseen, float("nan")), products.masked_fill(unseen, float("nan"))

    def _sums_of(self, name: str) -> tuple[Tensor, Tensor]:
        direction = self.mean[name]
        if name not in self.known:
            unknown = direction.new_full((self.batch_size,), float("nan"))
            return unknown, unknown
        nothing = direction.new_zeros
        sums = [
            uses[name].sums(direction) if name in uses else (nothing(size), nothing(size))
            for size, uses in ((part.batch_size, part.contributions) for part in self._parts)
        ]
        return torch.cat([squares for squares, _ in sums]), torch.cat([products for _, products in sums])


def per_sample(probe: Probe) -> PerSample:
    """The gradients of the examples of a probe's batch, from one run of the model and one backward pass.

    Raises ValueError if the batch has no axis of examples.
    """
    parameters = {name: value.detach().clone().requires_grad_() for name, value in probe.parameters.items()}
    calls = Calls(parameters)
    with looking_away(), torch.enable_grad(), calls.seen(probe.model):
        loss = probe.loss(parameters)
        torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    if not any(seen.batch_size for seen in calls.passes):
        raise ValueError("gradients of examples need a batch: a tensor whose first axis is that of the examples")
    return PerSample(calls)


def per_sample_of(step: Step) -> PerSample:
    """The gradients of the examples of a training step, from its own backward pass; for ``step.once``."""
    return PerSample(step.calls)


def _dense(gradient: Tensor) -> Tensor:
    return wide(gradient.to_dense() if gradient.is_sparse else gradient)


__all__ = ["NotByExample", "PerSample", "per_sample", "per_sample_of"]
