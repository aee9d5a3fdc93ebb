"""A batch in chunks of examples, where the loss of the batch is the mean over its examples."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils import _pytree as pytree  # torch's only way to walk nested inputs

from shinso.lens._probe import Probe

_SAMPLE = 16
_CHUNK_BYTES = {"cpu": 32 * 2**20}
"""What a chunk's graph should hold. On a CPU fresh pages for tensors of many MB take a third of a product's time; those
of a few MB are taken from memory that was used before."""
_CHUNK_BYTES_ELSEWHERE = 2 * 2**30


class Chunk(NamedTuple):
    """Some examples of a batch, and their share of it."""

    probe: Probe
    share: float


def batch_size(probe: Probe) -> int:
    """How many examples the batch has: the length of the first tensor of the inputs; raises ValueError if 0."""
    tensors = [leaf for leaf in pytree.tree_leaves(probe.inputs) if isinstance(leaf, Tensor) and leaf.dim()]
    size = len(tensors[0]) if tensors else 1
    if size == 0:
        raise ValueError("the batch is empty: curvature is the mean over at least one example")
    return size


def chunks(probe: Probe, chunk_size: int) -> list[Chunk]:
    """The batch in chunks of at most that many examples."""
    size = batch_size(probe)
    if chunk_size >= size:
        return [Chunk(probe, 1.0)]
    starts = range(0, size, chunk_size)
    cuts = [(_part(probe, slice(start, start + chunk_size)), min(chunk_size, size - start)) for start in starts]
    return [Chunk(part, length / size) for part, length in cuts]


def is_mean_over_examples(probe: Probe) -> bool:
    """Whether loss and gradient on some examples are the means of those on both halves of them.

    They are not under batch normalisation in training mode, dropout, weighted classes, or a loss that is a sum.
    """
    if batch_size(probe) < 2:
        return False
    sample = _sample(probe)
    try:
        halves = [(half.loss_and_gradient(), share) for half, share in chunks(sample, -(-batch_size(sample) // 2))]
    except (RuntimeError, ValueError, IndexError):
        return False  # examples do not lie along the first axis of all that the model takes
    loss, gradient = sample.loss_and_gradient()
    tolerance = _tolerance(loss)
    near = [abs(float(loss - sum(share * half for (half, _), share in halves))) <= tolerance * abs(float(loss))]
    for name, part in gradient.items():
        mean = sum((share * half[name] for (_, half), share in halves), torch.zeros_like(part))
        # Beside the halves' own: at a minimum the gradient of the whole is what is left of larger ones.
        scale = sum(float(half[name].norm()) for (_, half), _ in halves)
        near.append(float((mean - part).norm()) <= tolerance * scale)
    return all(near)


def adds_up(probe: Probe, cuts: list[Chunk]) -> bool:
    """Whether the loss of the batch is the mean of its chunks' losses: few examples may have no rare class."""
    if len(cuts) == 1:
        return True
    with torch.no_grad():
        loss = probe.loss()
        mean = sum(chunk.share * float(chunk.probe.loss()) for chunk in cuts)
    return abs(float(loss) - mean) <= _tolerance(loss) * abs(float(loss))


def saved_bytes_by_example(probe: Probe, make_graph: Callable[[Probe], Any]) -> float:
    """By how much memory a graph that ``make_graph`` builds grows with each example."""
    sample = _sample(probe)
    size = batch_size(sample)
    # What the graph holds of the parameters' size is there once, and so not in the difference.
    grown = _saved_bytes(sample, make_graph) - _saved_bytes(_part(sample, slice(size // 2)), make_graph)
    return max(grown, 1) / (size - size // 2)


def _saved_bytes(probe: Probe, make_graph: Callable[[Probe], Any]) -> int:
    seen: dict[int, int] = {}

    def see(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(see, lambda tensor: tensor):
        kept = make_graph(probe)
    del kept  # until here, so that no two of its tensors had the same address
    return sum(seen.values())


def good_chunk_size(probe: Probe, bytes_by_example: float) -> int:
    """As many examples as keep a chunk's graph in memory that can be used again for the next chunk."""
    device = next(iter(probe.parameters.values())).device.type
    return max(1, int(_CHUNK_BYTES.get(device, _CHUNK_BYTES_ELSEWHERE) / bytes_by_example))


def _tolerance(loss: Tensor) -> float:
    return float(30 * torch.finfo(loss.dtype).eps ** 0.75)


def _sample(probe: Probe) -> Probe:
    """A few examples from all over the batch, which may be sorted by class."""
    return _part(probe, slice(None, None, -(-batch_size(probe) // _SAMPLE)))


def _part(probe: Probe, examples: slice) -> Probe:
    size = batch_size(probe)

    def cut(leaf: Any) -> Any:
        is_batch = isinstance(leaf, Tensor) and leaf.dim() > 0 and len(leaf) == size
        return leaf[examples] if is_batch else leaf

    return probe.on(pytree.tree_map(cut, probe.inputs), pytree.tree_map(cut, probe.targets))
