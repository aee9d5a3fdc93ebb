"""The Takeuchi information criterion: gradient noise measured in units of curvature."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens._subset import generator_of
from shinso.lens.per_sample._square_sums import adds_up, totals_by_parameter
from shinso.lens.sets._few_examples import FewExamples
from shinso.lens.sets._gradient_graph import GradientGraph, lacking_is_said

_MOST_OUTPUTS = 512


@dataclass(frozen=True)
class Takeuchi:
    """Two forms of the criterion, with the curvature of the Gauss-Newton matrix."""

    diagonal: Float[Tensor, ""]
    """Σ_j E[g_j²] / G_jj, over the parameters whose curvature is not zero."""
    trace: Float[Tensor, ""]
    """Σ_j E[g_j²] / Σ_j G_jj."""


def takeuchi(probe: Probe, generator: torch.Generator) -> Takeuchi:
    """The criterion on the probe's batch, with a curvature drawn once for each example.

    The diagonal of the Gauss-Newton matrix is E[(J_iᵀ s)_j²] for s drawn with the covariance of the loss's Hessian at
    the outputs: exact on average, one backward pass (Dangel et al. 2020, arXiv 1912.10985, "MC"). For cross-entropy
    it is the Fisher information, and the criterion of a model that is right about its own uncertainty is about the
    number of parameters that matter. Outputs that meet only within the last axis in the loss, as in classification
    and regression, are told apart; NaN where the outputs are no single tensor or have more than 512 entries in the
    last axis, where no parameter's examples can be told apart, and where the loss is not finite. Raises
    NotImplementedError where the loss has no second derivative.
    """
    return _takeuchi(GradientGraph(probe), generator)


def _takeuchi(graph: GradientGraph, generator: torch.Generator) -> Takeuchi:
    outputs, probe = graph.outputs, graph.probe
    unknown = torch.full_like(graph.loss.detach(), float("nan"))
    if not isinstance(outputs, Tensor) or not 0 < outputs.shape[-1] <= _MOST_OUTPUTS:
        return Takeuchi(unknown, unknown)
    with torch.enable_grad(), lacking_is_said():
        signal = _with_covariance_of_hessian(probe.loss_function, outputs.detach(), probe.targets, generator)
    seen = graph.back_from_loss()
    of_loss = totals_by_parameter(seen)
    of_outputs = totals_by_parameter(graph.back_from_outputs(signal.to(outputs.dtype)))
    shared = [name for name in of_loss if name in of_outputs and adds_up(of_loss[name], graph.gradient[name])]
    if not shared or not signal.isfinite().all():
        return Takeuchi(unknown, unknown)
    squares = [of_loss[name].square_sums * seen.batch_size for name in shared]
    bends = [of_outputs[name].square_sums for name in shared]
    ratios = [torch.where(bend > 0, square / bend, 0).sum() for square, bend in zip(squares, bends, strict=True)]
    noise, bending = (torch.stack([part.sum() for part in parts]).sum() for parts in (squares, bends))
    return Takeuchi(torch.stack(ratios).sum(), noise / bending)


def _with_covariance_of_hessian(
    loss: Callable[[Any, Any], Tensor], outputs: Tensor, targets: Any, generator: torch.Generator
) -> Float[Tensor, "..."]:
    """A random tensor like the outputs, of the loss's Hessian there as covariance, by blocks of the last axis."""
    outputs = outputs.float() if outputs.dtype in (torch.float16, torch.bfloat16) else outputs
    at = outputs.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(at, targets), at, create_graph=True)
    size = at.shape[-1]
    if not gradient.requires_grad:
        return torch.zeros_like(outputs)
    # Row k of every block at once: the blocks do not meet.
    units = torch.eye(size, dtype=at.dtype, device=at.device).view(size, *[1] * (at.dim() - 1), size)
    rows = torch.autograd.grad(gradient, at, units.expand(size, *at.shape), is_grads_batched=True)[0]
    if not rows.isfinite().all():
        return torch.full_like(outputs, float("nan")).detach()
    values, vectors = torch.linalg.eigh(rows.movedim(0, -2))
    normal = torch.randn(at.shape, generator=generator).to(at)
    drawn: Tensor = vectors @ (values.clamp(min=0).sqrt() * normal).unsqueeze(-1)
    return drawn.squeeze(-1).detach()


@dataclass(frozen=True)
class TakeuchiCriterion:
    """Reads ``takeuchi/diagonal`` and ``takeuchi/trace``, from ``examples`` random examples of the batch.

    The variance of the examples' gradients in units of the curvature estimates how much worse the model does on new
    data, times the number of training examples (Takeuchi 1976; Thomas et al. 2020, arXiv 1906.07774). It holds near a
    minimum; early in training read it as noise over curvature and no more. The diagonal form is dominated by
    parameters of almost no curvature: compare over steps, not between models. NaN where the curvature cannot be had
    (see ``takeuchi``). Gradients through batch normalisation are as in ``PerSampleNorms``.
    Source: Schneider et al. 2021, arXiv 2102.06604, §3.
    """

    examples: int = 8
    seed: int = 0

    name = "takeuchi"
    needs = frozenset({Need.PROBE, Need.GRADIENTS})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The readings."""
        graph = step.once(FewExamples, self.examples, self.seed).graph
        found = _takeuchi(graph, generator_of(step, self.seed + 2))
        return {"takeuchi/diagonal": Reading(found.diagonal), "takeuchi/trace": Reading(found.trace)}
