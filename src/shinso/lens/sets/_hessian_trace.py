"""The trace of the Hessian, cheaply, during training."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens._subset import generator_of, random_examples
from shinso.lens.sets._few_examples import FewExamples
from shinso.lens.sets._gradient_graph import GradientGraph
from shinso.lens.sets._hessian import dot, hessian_product, random_signs


def rough_trace(
    probe: Probe, draws: int, examples: int, generator: torch.Generator
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """An estimate of the trace of the Hessian of the loss, and a bound of its standard error.

    The mean of vᵀHv over ``draws`` vectors of random signs (Hutchinson 1990), with the Hessian of so many random
    ``examples`` of the batch. The error is of the signs alone: √(2‖H‖²/draws), with |Hv|² for the squared Frobenius
    norm, which it is on average. The chance of the examples comes on top. Under batch normalisation in training the
    statistics are of those few examples. Raises ValueError for no draw, or no example.
    """
    if draws < 1 or examples < 1:
        raise ValueError(f"an estimate needs at least one draw and one example; got {draws} and {examples}")
    return _rough_trace(GradientGraph(random_examples(probe, examples, generator)), draws, generator)


def _rough_trace(
    graph: GradientGraph, draws: int, generator: torch.Generator
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    values, squares = [], []
    for _ in range(draws):
        signs = random_signs(graph.at, generator)
        product = hessian_product(graph, signs)
        values.append(dot(signs, product))
        squares.append(dot(product, product))
    return torch.stack(values).mean(), (2 * torch.stack(squares).mean() / draws).sqrt()


@dataclass(frozen=True)
class RoughHessianTrace:
    """Reads ``hessian/trace`` and its standard error ``hessian/trace_error``, from a few examples of the batch.

    The sum of all curvatures of the loss: it grows as minima get sharper. One draw: expect the error, in which the
    chance of the examples is not counted, to be of the size of the reading, and smooth over steps;
    ``shinso.lens.curvature`` has the exact and the offline ones. Piecewise linear networks with squared or
    cross-entropy loss have a Hessian that sees only part of their kinks.
    Source: Hutchinson 1990; Schneider et al. 2021, arXiv 2102.06604, §3.
    """

    examples: int = 8
    draws: int = 1
    seed: int = 0

    name = "rough_hessian_trace"
    needs = frozenset({Need.PROBE, Need.GRADIENTS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings."""
        graph = step.once(FewExamples, self.examples, self.seed).graph
        trace, error = _rough_trace(graph, self.draws, generator_of(step, self.seed + 1))
        return {"hessian/trace": Reading(trace), "hessian/trace_error": Reading(error)}
