"""The trace of the Hessian, cheaply, during training."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.sets._hessian import HessianAtPoint, dot
from shinso.lens.sets._subset import generator_of, random_examples


def rough_trace(
    probe: Probe, draws: int, examples: int, generator: torch.Generator
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """An estimate of the trace of the Hessian of the loss, and its standard error.

    The mean of vᵀHv over ``draws`` vectors of random signs (Hutchinson 1990), each with the Hessian of as many random
    examples of the batch as ``examples`` over ``draws``: the error holds both the chance of the signs and that of
    the examples. Under batch normalisation in training the statistics are of those few examples. Raises ValueError
    for fewer than two draws, or fewer examples than draws.
    """
    if draws < 2 or examples < draws:
        raise ValueError(
            f"an error needs at least two draws, each with an example; got {draws} and {examples} examples"
        )
    values = []
    for _ in range(draws):
        hessian = HessianAtPoint(random_examples(probe, examples // draws, generator))
        signs = hessian.random_signs(generator)
        values.append(dot(signs, hessian.product(signs)))
    found = torch.stack(values)
    return found.mean(), found.std() / draws**0.5


@dataclass(frozen=True)
class RoughHessianTrace:
    """Reads ``hessian/trace`` and its standard error ``hessian/trace_error``, from a few examples of the batch.

    The sum of all curvatures of the loss: it grows as minima get sharper. A few draws: expect the error to be of the
    size of the reading, and smooth over steps; ``shinso.lens.curvature`` has the exact and the offline ones. Piecewise
    linear networks with squared or cross-entropy loss have a Hessian that sees only part of their kinks.
    Source: Hutchinson 1990; Schneider et al. 2021, arXiv 2102.06604, §3.
    """

    examples: int = 8
    draws: int = 2
    seed: int = 0

    name = "rough_hessian_trace"
    needs = frozenset({Need.PROBE, Need.GRADIENTS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings."""
        trace, error = rough_trace(step.probe, self.draws, self.examples, generator_of(step, self.seed))
        return {"hessian/trace": Reading(trace), "hessian/trace_error": Reading(error)}
