"""Store against recompute: what each keeps, and how long it takes (lecture 004 section 6.5.3)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from shinso._text_columns import columns
from shinso.graph._quantities import bytes_text
from shinso.graph._repeatable import repeatable
from shinso.graph._timing import duration_text, seconds_in_turn
from shinso.graph.running._live_memory import LiveMemory
from shinso.graph.running._recompute import Run, recompute_from_the_start, recompute_segments, store_everything

_STORED, _FROM_THE_START = "store all (6.52)", "recompute from the start (6.53)"


@dataclass(frozen=True)
class Recomputation:
    """What one forward and backward pass of the layers costs."""

    name: str
    layer_runs: int
    """How often a layer was run, forward and again for the backward pass."""
    seconds: float
    saved_bytes: int
    """What is kept for the backward pass, without parameters, buffers and the input."""
    peak_bytes: int
    """The most that was alive of what the passes made, gradients included."""
    difference: float
    """The largest difference between an entry of its gradients and of those with everything stored."""


@dataclass(frozen=True)
class RecomputationComparison:
    """Storing everything first, then the ways of keeping less; ``print(comparison)`` is a table."""

    ways: tuple[Recomputation, ...]

    def __str__(self) -> str:
        stored = self.ways[0]
        header = ("way", "layer runs", "time", "to stored", "kept", "to stored", "peak", "difference")
        rows = [
            (
                way.name,
                str(way.layer_runs),
                duration_text(way.seconds),
                f"{way.seconds / stored.seconds:.2f}",
                bytes_text(way.saved_bytes),
                f"{way.saved_bytes / max(stored.saved_bytes, 1):.2f}",
                bytes_text(way.peak_bytes),
                f"{way.difference:.1e}",
            )
            for way in self.ways
        ]
        return columns(header, rows)


def compare_recomputation(
    layers: Iterable[nn.Module], x: Tensor, *, segments: Sequence[int] = (), rounds: int = 3
) -> RecomputationComparison:
    """Time, memory kept and peak memory of a forward and backward pass, stored and recomputed.

    ``layers`` is an ``nn.Sequential`` or a list of modules; ``segments`` are the numbers of segments to try, by default
    2, √n and n for n layers. Seconds are medians of passes taken in turn. Gradients are those of the output's sum,
    weighted from −1 to 1, in the parameters. Buffers, random state and ``.grad`` stay as they are.

    Raises ValueError for fewer than two layers, numbers of segments that they cannot have, or nothing to learn.
    """
    parts = list(layers)
    learned = [p for p in nn.ModuleList(parts).parameters() if p.requires_grad]
    if len(parts) < 2 or not learned:
        raise ValueError(
            f"{len(parts)} layers with {len(learned)} parameters to learn; recomputing needs two layers or more, and a "
            f"parameter that requires a gradient"
        )
    ways = {_STORED: store_everything(parts)}
    for count in segments or sorted({2, max(2, round(math.sqrt(len(parts)))), len(parts)}):
        ways[f"recompute in {count} segments"] = recompute_segments(parts, count)
    ways[_FROM_THE_START] = recompute_from_the_start(parts)
    buffers = list(nn.ModuleList(parts).buffers())
    with repeatable(buffers):
        calls = {name: partial(_gradients, run, x, learned) for name, run in ways.items()}
        times = seconds_in_turn(calls, rounds)
    passes = {name: _watched(run, x, parts) for name, run in ways.items()}
    stored = passes[_STORED].gradients
    return RecomputationComparison(
        tuple(
            Recomputation(
                name, p.layer_runs, times[name], p.saved_bytes, p.peak_bytes, _difference(stored, p.gradients)
            )
            for name, p in passes.items()
        )
    )


@dataclass(frozen=True)
class _Pass:
    layer_runs: int
    saved_bytes: int
    peak_bytes: int
    gradients: Sequence[Tensor]


def _watched(run: Run, x: Tensor, parts: Sequence[nn.Module]) -> _Pass:
    """One pass, with all that it runs and keeps counted."""
    module = nn.ModuleList(parts)
    given = {tensor.untyped_storage().data_ptr() for tensor in (x, *module.parameters(), *module.buffers())}
    kept: dict[int, int] = {}
    runs: list[None] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in given:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor.detach()

    hooks = [part.register_forward_pre_hook(lambda *_: runs.append(None)) for part in parts]
    try:
        with repeatable(module.buffers()), LiveMemory() as memory:
            # Looked at when all is kept and nothing is freed yet, so that no two storages have had one address.
            with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                output = run(x)
            saved = sum(kept.values())
            gradients = _pulled_back(output, [p for p in module.parameters() if p.requires_grad])
    finally:
        for hook in hooks:
            hook.remove()
    return _Pass(len(runs), saved, memory.peak, gradients)


def _gradients(run: Run, x: Tensor, learned: Sequence[Tensor]) -> Sequence[Tensor]:
    with torch.enable_grad():
        return _pulled_back(run(x), learned)


def _pulled_back(output: Tensor, learned: Sequence[Tensor]) -> Sequence[Tensor]:
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype, device=output.device).view_as(output)
    return torch.autograd.grad(output, learned, weights, materialize_grads=True)


def _difference(first: Sequence[Tensor], second: Sequence[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(first, second, strict=True) if a.numel())
