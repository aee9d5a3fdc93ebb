"""A network's own signals next to those that mean field theory gives its weights."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from shinso.lens._probe import Probe
from shinso.lens._subject import without_wrappers
from shinso.lens.propagation._gaussian import gaussian_product_mean
from shinso.lens.propagation._mean_field import MeanField
from shinso.lens.propagation._measured_signals import Signals, measured_signals

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMALIZATIONS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


@dataclass(frozen=True, eq=False)
class BesideMeanField:
    """Measured and predicted signals of the preactivations of each layer with weights."""

    measured: Signals
    predicted: Signals
    """Starting from the measured length and correlation of the first layer and the measured gradient of the last."""
    weight_variances: Float[Tensor, " layer"]
    """σ_w²: the mean square of a layer's weights times the number of inputs of a unit."""
    bias_variances: Float[Tensor, " layer"]


def beside_mean_field(probe: Probe, activation: Callable[[Tensor], Tensor]) -> BesideMeanField:
    """The probe's signals next to what mean field theory predicts from each layer's own weights and biases.

    For a chain of linear or convolutional layers with one activation function between them, at initialization. Where
    the two part, something else is at work: weights that training has made dependent, too few units, a mistake in
    the initialization of one layer (which shows as a step), another activation. Gradients are taken to be independent
    of the signals, which those of a squared error far from its targets are not. Pooling, residual sums and dropout are
    not accounted for, nor the zeros around images, which make convolutions lose a little length each.

    Raises ValueError for a model with normalization layers, in which lengths are set and not propagated, and for one
    with fewer than two linear or convolutional layers.

    Source: Poole et al. 2016, equations 3 and 5; Schoenholz et al. 2017, equation 14.
    """
    normalized = [path for path, module in probe.model.named_modules() if isinstance(module, _NORMALIZATIONS)]
    if normalized:
        raise ValueError(
            f"mean field theory here knows no normalization, and {normalized[0]} normalizes: look at measured_signals"
        )
    measured = measured_signals(probe)
    named = probe.model.named_modules()
    modules = {without_wrappers(path) or type(module).__name__: module for path, module in named}
    places = [place for place, layer in enumerate(measured.layers) if isinstance(modules.get(layer), _WEIGHTED)]
    if len(places) < 2:
        raise ValueError(
            f"signals go from layer to layer, and {type(probe.model).__name__} has {len(places)} linear or "
            "convolutional layers that ran once: at least 2 are needed"
        )
    chain = _only(measured, places)
    weights = torch.stack([_variances(modules[layer]) for layer in chain.layers]).double().cpu()
    return BesideMeanField(chain, _predicted(chain, weights, activation), weights[:, 0], weights[:, 1])


def _only(signals: Signals, places: list[int]) -> Signals:
    columns = (signals.lengths, signals.correlations, signals.gradient_norms)
    return Signals(tuple(signals.layers[place] for place in places), *(c[places].double().cpu() for c in columns))


def _variances(module: nn.Module) -> Float[Tensor, "2"]:
    weight, bias = module.weight, module.bias
    assert isinstance(weight, Tensor)
    spread = weight.detach().square().mean() * weight[0].numel()
    return torch.stack([spread, bias.detach().square().mean() if isinstance(bias, Tensor) else spread.new_zeros(())])


def _predicted(measured: Signals, weights: Float[Tensor, "layer 2"], activation: Callable[[Tensor], Tensor]) -> Signals:
    lengths, correlations = [measured.lengths[0].item()], [measured.correlations[0].item()]
    slopes = []
    for weight_variance, bias_variance in weights[1:].tolist():
        field = MeanField(activation, weight_variance, bias_variance)
        # The length of the layer before, not the fixed point: each layer has weights of its own.
        lengths.append(field.variance_map(lengths[-1]))
        pair = (torch.tensor(lengths[-2], dtype=torch.float64),) * 2
        product = gaussian_product_mean(activation, activation, pair, torch.tensor(correlations[-1]).to(pair[0]))
        correlations.append((weight_variance * product.item() + bias_variance) / lengths[-1])
        slopes.append(field.slope(length=lengths[-2]))
    growth = torch.tensor([*slopes, 1.0], dtype=torch.float64).sqrt().flip(0).cumprod(0).flip(0)
    return Signals(
        measured.layers,
        torch.tensor(lengths, dtype=torch.float64),
        torch.tensor(correlations, dtype=torch.float64),
        measured.gradient_norms[-1] * growth,
    )
