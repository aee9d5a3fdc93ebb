"""The statistics that a trained network normalises by (Ioffe and Szegedy, 2015, arXiv 1502.03167, algorithm 2, lines 7
to 12; lecture 000, page 4 of the paper).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from shinso.nn.normalization.batch_normalization import BatchNormalization

BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm | BatchNormalization


class PopulationStatistics(NamedTuple):
    """E[x] and Var[x] of each channel of a layer's inputs, in double precision on the CPU."""

    mean: Tensor
    variance: Tensor


def population_statistics(network: nn.Module, batches: Iterable[Any]) -> dict[str, PopulationStatistics]:
    """For each batch normalisation that keeps running statistics, E[μ_B] and m/(m−1)·E[σ²_B] over the mini-batches.

    The mean over mini-batches is weighted by how many values each has per channel, since the last one of an epoch is
    often smaller; of equal ones it is the plain mean of algorithm 2. ``batches`` are what the network takes, or tuples
    that begin with it, as loaders with targets give.

    One pass serves all layers: as in training, each mini-batch goes through layers that normalise it by itself, which
    is what x⁽ᵏ⁾ of the network in training is. (To normalise it by the population at layers 1 to k−1 while layer k is
    measured would take a pass per layer.) Everything else, dropout too, is in evaluation mode, since the statistics are
    for that. Nothing of the network changes.

    Raises ValueError if there is no such layer, a layer that no batch reached, or one value per channel in a batch.
    """
    layers = {name: module for name, module in network.named_modules() if tracks_statistics(module)}
    if not layers:
        raise ValueError("the network has no batch normalisation with running statistics")
    sums = {name: _Sums() for name in layers}
    with torch.no_grad(), _normalizing_each_batch(network, list(layers.values())):
        hooks = [layer.register_forward_pre_hook(sums[name].watcher()) for name, layer in layers.items()]
        try:
            for batch in batches:
                network(batch[0] if isinstance(batch, Sequence) else batch)
        finally:
            for hook in hooks:
                hook.remove()
    unreached = [name for name, total in sums.items() if not total.count]
    if unreached:
        raise ValueError(f"no batch reached the batch normalisation of {', '.join(unreached)}: give batches that do")
    return {name: total.averages() for name, total in sums.items()}


def set_population_statistics(network: nn.Module, batches: Iterable[Any]) -> dict[str, PopulationStatistics]:
    """What ``population_statistics`` finds, put into the network as its running statistics, in place.

    Moving averages trail behind the weights and average over few mini-batches; after this the network in evaluation
    mode normalises by the statistics of the weights as they are. The same ValueErrors, before anything is changed.
    """
    found = population_statistics(network, batches)
    set_running_statistics(network, found)
    return found


def set_running_statistics(network: nn.Module, statistics: Mapping[str, PopulationStatistics]) -> None:
    """Gives the layers of those names these running statistics, in place."""
    for name, (mean, variance) in statistics.items():
        network.get_buffer(f"{name}.running_mean" if name else "running_mean").copy_(mean)
        network.get_buffer(f"{name}.running_var" if name else "running_var").copy_(variance)


def tracks_statistics(module: nn.Module) -> bool:
    """Whether the module is a batch normalisation that keeps running statistics."""
    return isinstance(module, BatchNorm) and module.running_mean is not None


class _Sums:
    """What has been seen of one layer's inputs."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor | float = 0.0
        self.variance: Tensor | float = 0.0

    def watcher(self) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def watch(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            self.add(inputs[0])

        return watch

    def add(self, x: Tensor) -> None:
        count = x.numel() // x.shape[1]
        if count < 2:
            raise ValueError(f"a mini-batch needs more than 1 value per channel; got one of shape {tuple(x.shape)}")
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        variance, mean = torch.var_mean(x, (0, *range(2, x.ndim)), correction=1)
        self.count += count
        # On the CPU, since not every device has double precision.
        self.mean = self.mean + count * mean.cpu().double()
        self.variance = self.variance + count * variance.cpu().double()

    def averages(self) -> PopulationStatistics:
        assert isinstance(self.mean, Tensor)
        assert isinstance(self.variance, Tensor)
        return PopulationStatistics(self.mean / self.count, self.variance / self.count)


@contextmanager
def _normalizing_each_batch(network: nn.Module, layers: list[nn.Module]) -> Iterator[None]:
    """In evaluation mode but for these layers, which normalise by the mini-batch and keep no statistics of it."""
    modes = {module: module.training for module in network.modules()}
    tracking = [layer.track_running_stats for layer in layers]
    try:
        network.eval()
        for layer in layers:
            layer.training, layer.track_running_stats = True, False  # type: ignore[assignment]
        yield
    finally:
        for layer, was_tracking in zip(layers, tracking, strict=True):
            layer.track_running_stats = was_tracking
        for module, mode in modes.items():
            module.training = mode
