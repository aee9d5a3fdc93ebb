"""What each layer is given while a model runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from shinso.lens._probe import Parameters, Probe
from shinso.lens._subject import without_wrappers

_CHANNELS_FIRST = (nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)

LayerInputs = dict[str, Float[Tensor, "samples units"]]
"""Values of each unit of each layer's input, by the layer's path, in the order in which the layers first ran."""


def layer_inputs(probe: Probe, parameters: Parameters | None = None, samples: int = 4096) -> LayerInputs:
    """What each layer with parameters of its own is given when the probe's model runs on its batch.

    A unit is a channel (axis 1) of what enters a convolution or a batch or group normalisation, else an entry of the
    last axis; its values are those of all examples and positions, over all calls of the layer. Of more than
    ``samples`` values, that many are kept: of the same examples and positions for every unit and each time, so that
    two runs on one batch can be compared value by value. Integer inputs, such as tokens, are left out.
    ``parameters`` are other values at which the model is run, as in ``Probe.outputs``.

    >>> probe = Probe(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), nn.MSELoss(), torch.ones(5, 2), None)
    >>> {layer: tuple(values.shape) for layer, values in layer_inputs(probe).items()}
    {'0': (5, 2), '2': (5, 3)}
    """
    if samples < 1:
        raise ValueError(f"samples is how many values of each unit are kept, at least 1; got {samples}")
    seen: dict[tuple[str, int], list[Tensor]] = {}
    with _seeing(probe.model, seen, samples), torch.no_grad():
        probe.outputs(parameters)
    units = {layer: [n for other, n in seen if other == layer] for layer, _ in seen}
    # A layer that is called with different numbers of units is as many layers here.
    return {
        layer if len(units[layer]) == 1 else f"{layer} ({count} units)": torch.cat(values)
        for (layer, count), values in seen.items()
    }


@contextmanager
def _seeing(model: nn.Module, seen: dict[tuple[str, int], list[Tensor]], samples: int) -> Iterator[None]:
    handles = []
    try:
        for path, module in model.named_modules():
            if next(module.parameters(recurse=False), None) is not None:
                name = without_wrappers(path) or type(model).__name__
                hook = partial(_see, seen, name, samples)
                handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _see(
    seen: dict[tuple[str, int], list[Tensor]],
    layer: str,
    samples: int,
    module: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> None:
    given = next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)
    if given is None or not given.is_floating_point() or not given.numel() or not given.dim():
        return
    # At once, because a later operation may overwrite the input in place.
    values = _by_unit(given.detach(), 1 if isinstance(module, _CHANNELS_FIRST) and given.dim() > 1 else -1)
    seen.setdefault((layer, values.shape[1]), []).append(_thinned(values, samples))


def _by_unit(given: Shaped[Tensor, "..."], unit_axis: int) -> Shaped[Tensor, "values units"]:
    return given.movedim(unit_axis, -1).reshape(-1, given.shape[unit_axis])


def _thinned(values: Shaped[Tensor, "values units"], samples: int) -> Shaped[Tensor, "samples units"]:
    if len(values) <= samples:
        return values.clone()
    # Drawn and not evenly spaced: even steps through an image would see some of its columns only.
    kept = torch.randperm(len(values), generator=torch.Generator().manual_seed(0))[:samples].sort().values
    return values[kept.to(values.device)]
