"""Lengths, correlations and gradients of the signals in a network, as they are."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.linalg import vector_norm

from shinso.lens._probe import Probe
from shinso.lens._stacked import stacked
from shinso.lens.propagation._layer_outputs import layer_outputs


@dataclass(frozen=True, eq=False)
class Signals:
    """Of each layer's output on one batch, in the order in which the layers ran."""

    layers: tuple[str, ...]
    lengths: Float[Tensor, " layer"]
    """q: the mean square over units and examples; not the variance, as no mean is taken off."""
    correlations: Float[Tensor, " layer"]
    """c: the cosine between the outputs of two examples, averaged over all pairs of the batch; NaN for one example."""
    gradient_norms: Float[Tensor, " layer"]
    """‖∂L/∂output‖ over the whole batch; NaN where the loss does not depend on a layer's output."""


def measured_signals(probe: Probe) -> Signals:
    """The signals of the probe's batch in all modules without children whose output has the batch as first axis.

    A good initialization keeps all three alike from layer to layer. Lengths that shrink or grow by a constant factor
    per layer mean that the signal dies or explodes; correlations that go to 1 mean that the network no longer tells
    its inputs apart; gradients that change by a factor each layer vanish or explode. Do not compare layers of
    different kinds: a convolution and the ReLU after it differ by a factor of two in q when all is well, and all
    outputs of a ReLU are positive and so correlated. Residual branches are small on purpose.

    Source: Poole et al. 2016; Schoenholz et al. 2017, section 4; lecture 001 and lecture 004 section 6.5 (vanishing and
    exploding gradients).
    """
    parameters = {name: value.requires_grad_() for name, value in probe.parameters.items()}
    with torch.enable_grad():
        seen, outputs = layer_outputs(probe, parameters)
        loss = probe.loss_function(outputs, probe.targets)
        count = _batch_size(seen)
        layers = {name: output for name, output in seen.items() if output.dim() > 1 and len(output) == count}
        gradients = _gradients(loss, list(layers.values()))
    flat = [output.detach().flatten(1) for output in layers.values()]
    return Signals(
        tuple(layers),
        stacked([_wide(output).square().mean() for output in flat]),
        stacked([_mean_cosine(_wide(output)) for output in flat]),
        stacked([gradient.norm() for gradient in gradients]),
    )


def _batch_size(seen: dict[str, Tensor]) -> int:
    """The first axis that most layers share: inputs may be of any kind."""
    sizes = [len(output) for output in seen.values() if output.dim() > 1]
    return max(set(sizes), key=sizes.count) if sizes else 0


def _gradients(loss: Float[Tensor, ""], outputs: list[Tensor]) -> list[Tensor]:
    """Of the loss by each output; NaN where there is none."""
    within = [output for output in outputs if output.requires_grad]
    found = torch.autograd.grad(loss, within, allow_unused=True) if within else ()
    by_id = {id(output): gradient for output, gradient in zip(within, found, strict=True)}
    known = (by_id.get(id(output)) for output in outputs)
    missing = loss.new_full((1,), float("nan"))
    return [missing if gradient is None else _wide(gradient) for gradient in known]


def _mean_cosine(output: Float[Tensor, "example unit"]) -> Float[Tensor, ""]:
    count = len(output)
    directions: Tensor = output / vector_norm(output, dim=1, keepdim=True)
    # The sum over all pairs, less that of each example with itself.
    return (directions.sum(dim=0).square().sum() - directions.square().sum()) / (count * (count - 1) or float("nan"))


def _wide(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()
