"""The gradient of each example of a batch, parameter by parameter, and what its sums say."""

from collections.abc import Mapping
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from shinso.lens._calls import Calls
from shinso.lens._capture import looking_away
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.per_sample._example_gradients import ExampleGradients
from shinso.lens.per_sample._reduction import PassSums, Reduction, SumTable, dense, sums_of
from shinso.lens.per_sample._rules import by_parameter

_DOES_NOT_ADD_UP = (
    "the contributions of the examples do not add up to its gradient: part of it came from where nobody sees, such as "
    "an autograd function of the model's own, or the batch is not along the first axis of the model's input"
)


class PerSample:
    """The gradients g_i of the examples' own losses, whose mean is the gradient of the batch.

    The loss is taken to be the mean over the examples, so that g_i is the batch size times what example i contributes
    to the gradient. Through batch normalisation in training the loss of one example depends on all of them, and there
    is no gradient of one alone: g_i is then what the example's own row of every layer adds to the gradient of the loss
    of the whole batch. These still average to the gradient of the batch, but are not what training on the example alone
    would give; for that, put the normalisation in eval mode. Several backward passes in a step are read as parts of one
    batch. Under a gradient scaler all is of the scaled loss.

    Inside the model a layer's rows are taken to lie by example along the first axis, or along the second; where the
    first is several times as long as the batch, the rows of an example are taken to follow one another. Do not trust it
    where a model lays them out otherwise, as ``torch.cat`` of two views along the first axis does, flattening with time
    before the examples, or a mask that picks some rows: where their number fits, nothing tells them apart.

    Where the contributions of the examples do not add up to the gradient that the backward pass gave, or cannot be told
    apart, the parameter is not seen, and its entries are NaN. Complex parameters are left out.
    """

    def __init__(
        self, calls: Calls, passes: list[PassSums], contributions: Mapping[str, ExampleGradients] | None = None
    ) -> None:
        if not calls.parameters:
            raise ValueError("no parameter received a gradient from any example: run the backward pass within the step")
        # Those without a gradient were evaluations beside the training.
        self._passes = [known for known in passes if known.batch_size and known.gradients]
        if not self._passes:
            raise ValueError("gradients of examples need a batch: a tensor whose first axis is that of the examples")
        self._contributions = dict(contributions or {})
        self.parameters: tuple[str, ...] = calls.parameters
        """The names of the parameters that have a gradient."""
        self.batch_size: int = sum(known.batch_size for known in self._passes)
        """The number of examples, over all passes."""

    @property
    def at_hand(self) -> tuple[str, ...]:
        """The parameters whose gradients can be written out."""
        return tuple(self._contributions)

    @cached_property
    def mean(self) -> dict[str, Float[Tensor, "..."]]:
        """The gradient of the batch by parameter, before any clipping."""
        by_pass = [known.gradients for known in self._passes]
        parts = {name: [dense(part[name]) for part in by_pass if name in part] for name in self.parameters}
        return {name: some[0] if len(some) == 1 else torch.stack(some).sum(0) for name, some in parts.items()}

    @cached_property
    def squared_norms(self) -> Float[Tensor, "parameters batch"]:
        """|g_i|² by parameter tensor and example; NaN where a parameter is not seen."""
        return torch.cat([table.squared_norms for table in self._tables], dim=1) * self.batch_size**2

    @cached_property
    def products(self) -> Float[Tensor, "parameters batch"]:
        """The inner product of g_i with the gradient of the batch, by parameter tensor and example.

        NaN where a parameter is not seen, and all over where several passes make up the batch: the layers were let go
        before its gradient was known.
        """
        if len(self._passes) > 1:
            return torch.full_like(self.squared_norms, float("nan"))
        return self._tables[0].products * self.batch_size

    @cached_property
    def squared_mean_norms(self) -> Float[Tensor, " parameters"]:
        """The squared norm of the gradient of the batch, by parameter tensor."""
        if len(self._passes) == 1:
            return self._tables[0].whole
        return torch.stack(torch._foreach_norm(list(self.mean.values()))).square()

    def why_not_seen(self) -> dict[str, str]:
        """The parameters that are not seen, each with the reason; waits for the device."""
        reasons = {name: reason for known in self._passes for name, reason in known.reasons.items()}
        missing = self.squared_norms.isnan().any(1).tolist()
        names = [name for name, is_missing in zip(self.parameters, missing, strict=True) if is_missing]
        return {name: reasons.get(name, _DOES_NOT_ADD_UP) for name in names}

    def second_moments(self) -> dict[str, Float[Tensor, "..."]]:
        """The mean over examples of g_i² by entry, for each parameter of which contributions are at hand.

        That is for ``per_sample`` of a probe; of a step of training the layers were let go.
        """
        return {name: uses.totals().square_sums * self.batch_size for name, uses in self._contributions.items()}

    def gradients(self, parameter: str) -> Float[Tensor, "batch ..."]:
        """The gradients g_i of one parameter, written out; raises KeyError where they are not at hand."""
        return self._of(parameter).of(slice(0, self.batch_size)) * self.batch_size

    def entries(
        self, parameter: str, examples: Int[Tensor, " count"], entries: Int[Tensor, " count"]
    ) -> Float[Tensor, " count"]:
        """Single entries of g_i, each of its own example, counted through the flattened parameter.

        Raises KeyError where they are not at hand.
        """
        return self._of(parameter).entries(examples, entries) * self.batch_size

    def drawn_entries(self) -> tuple[Float[Tensor, " drawn"], dict[str, Int[Tensor, " drawn_of_parameter"]]]:
        """The entries of g_i that were drawn in a step of training, and which of each parameter's they are.

        All pairs of an example and an entry are as likely, of the parameters that are seen; empty where none was drawn.
        """
        values: dict[str, list[Tensor]] = {}
        places: dict[str, list[Tensor]] = {}
        for known in self._passes:
            for name in known.draws.keys() & known.sums.keys():
                drawn = known.sums[name].entries
                assert drawn is not None
                values.setdefault(name, []).append(drawn.to(self.squared_norms.device) * self.batch_size)
                places.setdefault(name, []).append(known.draws[name][1])
        together = [part for name in values for part in values[name]]
        return (
            torch.cat(together) if together else self.squared_norms.new_zeros(0),
            {name: torch.cat(parts) for name, parts in places.items()},
        )

    def _of(self, parameter: str) -> ExampleGradients:
        if parameter not in self._contributions:
            reason = self.why_not_seen().get(parameter, "of a step of training only sums are kept")
            raise KeyError(f"the gradients of examples are not at hand for {parameter!r}: {reason}")
        return self._contributions[parameter]

    @cached_property
    def _tables(self) -> list[SumTable]:
        return [known.table(self.parameters) for known in self._passes]


def per_sample(probe: Probe) -> PerSample:
    """The gradients of the examples of a probe's batch, from one run of the model and one backward pass.

    Raises ValueError if the batch has no axis of examples.
    """
    parameters = {name: value.detach().clone().requires_grad_() for name, value in probe.parameters.items()}
    calls = Calls(parameters)
    with looking_away(), torch.enable_grad(), calls.seen(probe.model):
        loss = probe.loss(parameters)
        torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return per_sample_of_calls(calls)


def per_sample_of_calls(calls: Calls) -> PerSample:
    """The gradients of the examples from the calls of one pass, which are kept."""
    seen = calls.passes[-1]
    found, reasons = by_parameter(seen)
    contributions = {name: found[name] for name in calls.parameters if name in found}
    sums = {name: sums_of(uses, dense(seen.gradients[name]), None) for name, uses in contributions.items()}
    known = PassSums(seen.batch_size, seen.gradients, sums, reasons)
    adds_up = dict(zip(calls.parameters, ~known.table(calls.parameters).products.isnan().any(1), strict=True))
    return PerSample(calls, [known], {name: uses for name, uses in contributions.items() if adds_up[name]})


def per_sample_of(step: Step) -> PerSample:
    """The gradients of the examples of a training step, from its own backward pass; for ``step.once``."""
    calls = step.calls
    reduction = calls.digest
    assert isinstance(reduction, Reduction)
    if calls.passes:
        reduction.finish(calls.passes[-1])
    return PerSample(calls, [reduction.of(seen) for seen in calls.passes])
