"""What can be seen at one training step."""

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, TypeVar, cast

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from shinso.lens._calls import UNKNOWN, Calls
from shinso.lens._flat_parts import FlatParts
from shinso.lens._lens import Need
from shinso.lens._probe import Probe
from shinso.lens._unit_statistics import UnitStatistics, pooled, unit_statistics

_Result = TypeVar("_Result")


class Step:
    """One training step as the lenses see it: each need is computed once, and shared by all lenses that are due.

    Layers go by their path in the model, in the order in which they ran; parameters by their names in the model.
    """

    def __init__(
        self,
        number: int,
        inputs: Any,
        targets: Any,
        needs: frozenset[Need],
        parameters: Mapping[str, nn.Parameter],
        probe: Probe | None = None,
    ) -> None:
        self.number = number
        """Counted from 1."""
        self.inputs = inputs
        self.targets = targets
        self.needs = needs
        self._parameters = parameters
        self._probe = probe
        self._before: dict[str, Tensor] = {}
        self._outputs: dict[str, list[Tensor]] = {}
        self._statistics: dict[str, UnitStatistics] = {}
        self._calls = Calls({})
        self._computed: dict[tuple[Hashable, ...], Any] = {}

    @property
    def activations(self) -> Mapping[str, list[Shaped[Tensor, "..."]]]:
        """Copies of each layer's outputs, one for each time it ran."""
        self._check_asked_for(Need.ACTIVATIONS)
        return self._outputs

    @property
    def unit_statistics(self) -> Mapping[str, UnitStatistics]:
        """Statistics of each layer's units, over all times it ran."""
        self._check_asked_for(Need.UNIT_STATISTICS)
        return self._statistics

    @property
    def calls(self) -> Calls:
        """What was seen of the model's calls; ``shinso.lens.per_sample.per_sample_of`` makes sense of it."""
        self._check_asked_for(Need.EXAMPLE_SUMS)
        return self._calls

    @property
    def outputs(self) -> Any:
        """What the model returned for the batch; None where it ran several times or returned no plain tensors.

        Do not trust it where the training overwrites outputs in place.
        """
        self._check_asked_for(Need.OUTPUTS)
        passes = self._calls.passes
        alone = passes[0].outputs if len(passes) == 1 else None
        return None if alone is UNKNOWN else alone

    def once(self, compute: Callable[..., _Result], *args: Hashable) -> _Result:
        """``compute(step, *args)``, computed for the first lens that asks and shared with all that ask for the same."""
        key = (compute, *args)
        if key not in self._computed:
            self._computed[key] = compute(self, *args)
        return cast(_Result, self._computed[key])

    @cached_property
    def gradients(self) -> Mapping[str, Shaped[Tensor, "..."] | None]:
        """Each parameter's gradient as the optimizer found it, None where it has none; valid only while it is read.

        A lens that needs the parameters after the step as well is read after it, and sees what the optimizer made of
        the gradients; so does every lens under an optimizer that was given a closure.
        """
        self._check_asked_for(Need.GRADIENTS)
        return {name: None if p.grad is None else p.grad.detach() for name, p in self._parameters.items()}

    @property
    def parameters_before(self) -> Mapping[str, Shaped[Tensor, "..."]]:
        """Each parameter as it was before the optimizer moved it."""
        self._check_asked_for(Need.PARAMETERS_BEFORE)
        return self._before

    @property
    def parameters_after(self) -> Mapping[str, Shaped[Tensor, "..."]]:
        """Each parameter as the optimizer left it; valid only while it is read."""
        self._check_asked_for(Need.PARAMETERS_AFTER)
        return {name: parameter.detach() for name, parameter in self._parameters.items()}

    @property
    def probe(self) -> Probe:
        """The model with this batch and the loss, to be run again; its parameters are as they are while it is read.

        Dropout draws the masks of the step's own first forward pass.
        """
        self._check_asked_for(Need.PROBE)
        assert self._probe is not None  # a watch without a loss refuses the lenses that need it
        if self.inputs is None:
            raise ValueError(
                "a lens runs the model again, but the step was given no batch: watch.step(inputs, targets)"
            )
        return self._probe

    def see_output(self, layer: str, output: Tensor, unit_axis: int, flat: FlatParts | None) -> None:
        """Take in a layer's output now: a later operation may overwrite it in place."""
        with torch.no_grad():
            if Need.ACTIVATIONS in self.needs:
                self._outputs.setdefault(layer, []).append(output.detach().clone())
            if Need.UNIT_STATISTICS in self.needs:
                self._add(layer, unit_statistics(output, unit_axis, flat))

    def see_calls(self, model: nn.Module) -> AbstractContextManager[Calls]:
        """Take in what the model calls while the context lasts."""
        # Builds on this module.
        from shinso.lens.per_sample._reduction import Reduction

        if self.needs & {Need.EXAMPLE_SUMS, Need.EXAMPLE_ENTRIES}:
            draws = self.number if Need.EXAMPLE_ENTRIES in self.needs else None
            self._calls = Calls(self._parameters, Reduction(self._parameters, draws))
        return self._calls.seen(model)

    def keep_one_more_pass(self) -> None:
        """Take in the calls of one more pass and then no more: the parameters may move from then on."""
        self._calls.keep_one_more_pass()

    def keep_parameters(self) -> None:
        """Copy the parameters, if a lens needs them as they are now."""
        if Need.PARAMETERS_BEFORE in self.needs:
            self._before = {name: parameter.detach().clone() for name, parameter in self._parameters.items()}

    def _add(self, layer: str, statistics: UnitStatistics) -> None:
        if layer in self._statistics and self._statistics[layer].units != statistics.units:
            layer = f"{layer} ({statistics.units} units)"
        known = self._statistics.get(layer)
        self._statistics[layer] = statistics if known is None else pooled(known, statistics)

    def _check_asked_for(self, need: Need) -> None:
        if need not in self.needs:
            raise ValueError(
                f"the step was read for {need.name.lower()}, which no lens due asked for: "
                f"add Need.{need.name} to the needs of the lens"
            )
