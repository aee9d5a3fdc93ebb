"""Where on the local parabola a step landed."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.sets._few_examples import FewExamples

_ROUNDINGS = 8


def relative_step(
    probe: Probe,
    before: Mapping[str, Shaped[Tensor, "..."]],
    after: Mapping[str, Shaped[Tensor, "..."]],
) -> Float[Tensor, ""]:
    """α of the step between two sets of parameters: -1 if it hardly moved, 0 at a parabola's minimum, 1 on a level.

    On a level: as high as where it began. The parabola has the loss and the slope where the step began and the loss
    where it ended, all of one batch; where the ends are of two batches their noise has to be weighed (Mahsereci and
    Hennig 2017, arXiv 1703.10034; Schneider et al. 2021, arXiv 2102.06604, appendix). -1 where the parabola bends down:
    the loss still falls where the step ends. NaN where nothing moved, the step began uphill, or the loss is rounded too
    coarsely for how little the step changes it.
    """
    loss, gradient = probe.loss_and_gradient({name: before[name] for name in probe.parameters})
    return _relative_step(probe, loss, gradient, before, after)


def _relative_step(
    probe: Probe,
    loss: Float[Tensor, ""],
    gradient: Mapping[str, Shaped[Tensor, "..."]],
    before: Mapping[str, Shaped[Tensor, "..."]],
    after: Mapping[str, Shaped[Tensor, "..."]],
) -> Float[Tensor, ""]:
    slope = torch.stack([(g.conj() * (after[n] - before[n])).sum().real for n, g in gradient.items()]).sum()
    with torch.no_grad():
        return position_on_parabola(loss, slope, probe.loss({name: after[name] for name in gradient}))


def position_on_parabola(
    loss: Float[Tensor, ""], slope: Float[Tensor, ""], loss_after: Float[Tensor, ""]
) -> Float[Tensor, ""]:
    """α from loss and slope at the beginning of a step of length 1, and the loss at its end; see ``relative_step``."""
    linear = slope.double()
    bend = loss_after.double() - loss.double() - linear
    alpha = torch.where(bend > 0, -2 * bend / linear - 1, -1.0)
    # An error of one rounding in each loss moves α by less than 1/4.
    least = _ROUNDINGS * torch.finfo(loss.dtype).eps * torch.maximum(loss.abs(), loss_after.abs()).double()
    return torch.where((linear < 0) & (-linear > least), alpha, float("nan")).to(loss.dtype)


@dataclass(frozen=True)
class LocalStep:
    """Reads ``alpha``: where on the local parabola the step landed, from ``examples`` random examples of the batch.

    Steps of 0 end at the minimum along their direction on this batch, below 0 short of it, above 0 beyond it, above 1
    higher than they began. Good learning rates often overshoot on single batches (above 0 on average). Both ends
    are of the same examples, with the same dropout; under batch normalisation their statistics are
    of those few examples. Do not trust single readings, nor it where the step crosses many kinks. NaN where the loss,
    in half precision or after a tiny step, is rounded more coarsely than the step changes it.
    Source: Schneider et al. 2021, arXiv 2102.06604, §3.1; Mahsereci and Hennig 2017, arXiv 1703.10034.
    """

    examples: int = 8
    seed: int = 0

    name = "local_step"
    needs = frozenset({Need.PROBE, Need.PARAMETERS_BEFORE, Need.PARAMETERS_AFTER})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The reading."""
        few, before = step.once(FewExamples, self.examples, self.seed), step.parameters_before
        alpha = _relative_step(few.probe, *few.loss_and_gradient(before), before, step.parameters_after)
        return {"alpha": Reading(alpha)}
