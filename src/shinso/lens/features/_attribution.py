"""Attribution as a lens: what the score of each example's target comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._step import Step
from shinso.lens.features._at_rest import Model, at_rest
from shinso.lens.features._feature_maps import first_examples
from shinso.lens.features._integrated_gradients import completeness_gap, integrated_gradients
from shinso.lens.features._one_input import one_input
from shinso.lens.features._score import Score, logit_of


@dataclass(frozen=True)
class Attribution:
    """Reads what in the first ``examples`` of the batch speaks for their targets, in eval mode.

    - ``attribution/maps``: as large as the inputs, in units of the score;
    - ``attribution/completeness_gap``: by example Σ maps − (score of the input − score of an input of zeros). Where it
      is not small compared with the score, the maps do not add up, and are not to be read as shares of it.

    Raises ValueError for a batch without exactly one tensor of real numbers. When not to trust the maps is said at
    ``integrated_gradients``; early in training there is nothing to explain yet.

    Source: Sundararajan, Taly and Yan 2017; lecture 001 (what a network has learnt must be open to interpretation).
    """

    explain: Callable[[Model, Tensor, Score], Tensor] = integrated_gradients
    """Any attribution as large as the inputs: ``input_gradient``, ``gradient_times_input``, ``smooth_grad``, …"""
    score: Callable[[Any], Score] = logit_of
    """From the targets of the examples to what is explained."""
    examples: int = 4

    name = "attribution"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The maps and their gaps."""
        inputs, with_input = one_input(first_examples(step.probe.inputs, self.examples))
        score = self.score(first_examples(step.probe.targets, self.examples))
        with at_rest(step.probe.model) as run:
            maps = self.explain(lambda tensor: run(with_input(tensor)), inputs, score)
            gap = completeness_gap(lambda tensor: run(with_input(tensor)), inputs, score, maps)
        return {f"{self.name}/maps": Reading(maps), f"{self.name}/completeness_gap": Reading(gap)}
