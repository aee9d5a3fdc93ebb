"""Where on the local parabola a step landed."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.sets._subset import generator_of, random_examples


def relative_step(
    probe: Probe,
    before: Mapping[str, Shaped[Tensor, "..."]],
    after: Mapping[str, Shaped[Tensor, "..."]],
) -> Float[Tensor, ""]:
    """α of the step between two sets of parameters: -1 if it hardly moved, 0 at a parabola's minimum, 1 on a level.

    On a level: as high as where it began. The parabola is fitted by least squares to the losses and the slopes at both
    ends, in units of the step. All four are of the same batch, so they are not weighted by their noise, as they are
    where the ends are of two batches (Mahsereci and Hennig 2017, arXiv 1703.10034; Schneider et al. 2021, arXiv
    2102.06604, appendix). -1 where the parabola bends down: the loss still falls where the step ends. NaN where nothing
    moved, or the step began uphill.
    """
    losses, slopes = [], []
    for ends in (before, after):
        here = {name: ends[name] for name in probe.parameters}
        loss, gradient = probe.loss_and_gradient(here)
        losses.append(loss)
        slopes.append(torch.stack([(g * (after[n] - before[n])).sum() for n, g in gradient.items()]).sum())
    return position_on_parabola(torch.stack(losses), torch.stack(slopes))


def position_on_parabola(losses: Float[Tensor, "2"], slopes: Float[Tensor, "2"]) -> Float[Tensor, ""]:
    """α from the losses and slopes at both ends of a step of length 1; see ``relative_step``."""
    observed = torch.cat([losses, slopes]).double()
    # Rows: values at 0 and 1, slopes at 0 and 1; columns: constant, linear and quadratic term.
    parabola = observed.new_tensor([[1, 0, 0], [1, 1, 1], [0, 1, 0], [0, 1, 2]])
    _, linear, quadratic = torch.linalg.pinv(parabola) @ observed
    alpha = torch.where(quadratic > 0, -2 * quadratic / linear - 1, -1.0)
    return torch.where(linear < 0, alpha, float("nan")).to(losses.dtype)


@dataclass(frozen=True)
class LocalStep:
    """Reads ``alpha``: where on the local parabola the step landed, from ``examples`` random examples of the batch.

    Steps of 0 end at the minimum along their direction on this batch, below 0 short of it, above 0 beyond it, above 1
    higher than they began. Good learning rates often overshoot on single batches (above 0 on average). Losses and
    slopes at both ends are of the same examples, with the same dropout; under batch normalisation their statistics are
    of those few examples. Do not trust single readings, nor it where the step crosses many kinks.
    Source: Schneider et al. 2021, arXiv 2102.06604, §3.1; Mahsereci and Hennig 2017, arXiv 1703.10034.
    """

    examples: int = 8
    seed: int = 0

    name = "local_step"
    needs = frozenset({Need.PROBE, Need.PARAMETERS_BEFORE, Need.PARAMETERS_AFTER})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """The reading."""
        probe = random_examples(step.probe, self.examples, generator_of(step, self.seed))
        return {"alpha": Reading(relative_step(probe, step.parameters_before, step.parameters_after))}
