"""Margins: by how much the right class wins."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from shinso.lens._eval_mode import in_eval_mode
from shinso.lens._lens import Need, Reading
from shinso.lens._probe import Probe
from shinso.lens._step import Step
from shinso.lens.generalization._examples import count_classes
from shinso.lens.generalization._spectral_complexity import normalized_margins, spectral_complexity


def margins(logits: Float[Tensor, "examples classes"], targets: Int[Tensor, " examples"]) -> Float[Tensor, " examples"]:
    """The logit of the right class minus the largest of the others; negative where the prediction is wrong.

    In units of logits, which are arbitrary: training goes on to scale them up after the last error is gone. Compare
    only what was divided by the network's complexity (``normalized_margins``) or gradient (``input_margins``).

    Raises ValueError for fewer than two classes or targets that are none of them.

    Source: Bartlett, Foster and Telgarsky 2017, arXiv 1706.08498, §1; lecture 003 §2.3.

    >>> margins(torch.tensor([[2.0, 0.5, 1.0], [0.0, 3.0, 1.0]]), torch.tensor([0, 2]))
    tensor([ 1., -2.])
    """
    if logits.shape[1] < 2:
        raise ValueError(f"a margin lies between two classes; the network has {logits.shape[1]} output")
    count_classes(logits, targets)
    right = logits.gather(1, targets[:, None])
    others = logits.scatter(1, targets[:, None], -torch.inf)
    return right[:, 0] - others.amax(1)


def input_margins(
    model: nn.Module, inputs: Float[Tensor, "examples *input"], targets: Int[Tensor, " examples"]
) -> Float[Tensor, " examples"]:
    """How far each input is from the nearest border of its class, to first order, in the units of the inputs (L2).

    min over j of (f_y − f_j) / ‖∇ₓ(f_y − f_j)‖, of the model in eval mode; negative for wrong predictions. Exact for
    linear models. Do not trust it where the network bends within that distance: an attack (FGSM, PGD) often finds a
    border nearer.

    Source: Elsayed et al. 2018, arXiv 1803.05598, eq. 5.
    """
    with in_eval_mode(model), torch.enable_grad():
        moved = inputs.detach().requires_grad_()
        logits = Probe(model, torch.nn.functional.cross_entropy, moved, targets).outputs()
        margins(logits.detach(), targets)  # for its checks
        distances = [_distance_to(other, logits, targets, moved) for other in range(logits.shape[1])]
    return torch.stack(distances).amin(0)


def _distance_to(other: int, logits: Tensor, targets: Tensor, inputs: Tensor) -> Tensor:
    lead = logits.gather(1, targets[:, None])[:, 0] - logits[:, other]
    # Examples do not see each other in eval mode, so the gradient of the sum holds those of all.
    (slopes,) = torch.autograd.grad(lead.sum(), inputs, retain_graph=True)
    distance = lead.detach() / slopes.flatten(1).norm(dim=1)
    return torch.where(targets == other, torch.inf, distance)


@dataclass(frozen=True)
class Margins:
    """Reads ``margin`` at quantiles of the batch, and ``margin/wrong``, the fraction of negative ones, in eval mode.

    See the function ``margins``: logits grow as training goes on, and their margins with them.

    Source: Bartlett, Foster and Telgarsky 2017; lecture 003 §2.3.
    """

    quantiles: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)

    name = "margins"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """Margins by quantile. Raises ValueError for outputs that are no logits ``[examples, classes]``."""
        found = _margins_of(step.probe)
        return _by_quantile("margin", found, self.quantiles) | {"margin/wrong": Reading((found <= 0).double().mean())}


@dataclass(frozen=True)
class NormalizedMargins:
    """Reads ``normalized_margin`` at quantiles, and ``spectral_complexity``, of a chain of layers in eval mode.

    The first is ``margins`` over the second times ‖X‖₂ / n; see ``normalized_margins`` and ``spectral_complexity``,
    which raise ValueError for networks with residual sums.

    Source: Bartlett, Foster and Telgarsky 2017, eq. 1.2, fig. 1; lecture 003 §2.3.
    """

    quantiles: tuple[float, ...] = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9)

    name = "normalized_margins"
    needs = frozenset({Need.PROBE})

    def read(self, step: Step) -> Mapping[str, Reading]:
        """Margins by quantile and the complexity."""
        probe = step.probe
        complexity = spectral_complexity(probe.model, probe.inputs)
        found = normalized_margins(_margins_of(probe), complexity, probe.inputs)
        return _by_quantile("normalized_margin", found, self.quantiles) | {
            "spectral_complexity": Reading(torch.tensor(complexity, dtype=torch.float64))
        }


def _margins_of(probe: Probe) -> Tensor:
    with in_eval_mode(probe.model), torch.no_grad():
        outputs = probe.outputs()
    if not isinstance(outputs, Tensor) or outputs.dim() != 2 or count_classes(outputs, probe.targets) is None:
        raise ValueError(
            "margins need logits [examples, classes] and class numbers [examples]; the network gives "
            f"{_shape(outputs)} for targets {_shape(probe.targets)}"
        )
    return margins(outputs, probe.targets)


def _shape(value: object) -> str:
    return f"{tuple(value.shape)} {value.dtype}" if isinstance(value, Tensor) else type(value).__name__


def _by_quantile(name: str, values: Tensor, quantiles: tuple[float, ...]) -> dict[str, Reading]:
    places = torch.tensor(quantiles, dtype=torch.float64, device=values.device)
    labels = tuple(f"{100 * quantile:g} %" for quantile in quantiles)
    return {name: Reading(values.double().quantile(places), labels)}
