"""Define-and-run against define-by-run: the same result, and what each costs (lecture 003 section 1.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from shinso._text_columns import columns
from shinso.graph._graph import Graph
from shinso.graph._repeatable import repeatable
from shinso.graph._timing import duration_text, seconds, seconds_in_turn
from shinso.graph._trace import trace
from shinso.graph.running._running import compile_graph

_EAGER = "eager"


@dataclass(frozen=True)
class Running:
    """What one way of running costs."""

    name: str
    set_up_seconds: float
    """Tracing, compiling and the first run."""
    seconds: float
    """One run after that."""
    difference: float
    """The largest difference between an entry of its result and of the eager one."""

    def runs_to_repay(self, eager: "Running") -> float:
        """After how many runs the set-up has paid for itself; infinite if a run is no faster than an eager one."""
        gain = eager.seconds - self.seconds
        return self.set_up_seconds / gain if gain > 0 else float("inf")


@dataclass(frozen=True)
class RunningComparison:
    """Eager running first, then each way of running what was traced once; ``print(comparison)`` is a table."""

    ways: tuple[Running, ...]

    def __str__(self) -> str:
        eager = self.ways[0]
        rows = [
            (
                way.name,
                "–" if way is eager else duration_text(way.set_up_seconds),
                duration_text(way.seconds),
                f"{way.seconds / eager.seconds:.2f}",
                "–" if way is eager else f"{way.runs_to_repay(eager):.0f}",
                f"{way.difference:.1e}",
            )
            for way in self.ways
        ]
        return columns(("way", "set-up", "run", "to eager", "runs to repay", "difference"), rows)


def compare_running(
    function: Callable[..., Any],
    *inputs: Any,
    compilers: Sequence[Callable[[Graph], Callable[..., Any]]] = (compile_graph,),
    rounds: int = 20,
) -> RunningComparison:
    """The function run as it is (define-by-run) and as each compiler makes it of its graph (define-and-run).

    Median seconds of a forward run, measured in turn without gradients, with the time to set up and the difference of
    results from the same random numbers. Give ``compilers=(compile_graph, compile_graph_with_inductor)`` to include
    machine code. Buffers that a run changes, such as running statistics, are put back.
    """
    tensors = [leaf for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, Tensor)]
    buffers = list(function.buffers()) if isinstance(function, torch.nn.Module) else []
    runs: dict[str, Callable[[], Any]] = {_EAGER: lambda: function(*inputs)}
    set_up = {_EAGER: 0.0}
    with torch.no_grad(), repeatable(buffers):
        for compiler in compilers:
            name = getattr(compiler, "__name__", str(compiler))

            def first_run(compiler: Any = compiler, name: str = name) -> None:
                compiled = compiler(trace(function, *inputs))
                runs[name] = lambda: compiled(*tensors)
                runs[name]()

            set_up[name] = seconds(first_run)
        results = {name: _result(run, buffers) for name, run in runs.items()}
        times = seconds_in_turn(runs, rounds)
    return RunningComparison(
        tuple(Running(name, set_up[name], times[name], _difference(results[_EAGER], results[name])) for name in runs)
    )


def _result(run: Callable[[], Any], buffers: list[Tensor]) -> Any:
    with repeatable(buffers):
        return pytree.tree_map(lambda leaf: leaf.clone() if isinstance(leaf, Tensor) else leaf, run())


def _difference(first: Any, second: Any) -> float:
    pairs = zip(pytree.tree_leaves(first), pytree.tree_leaves(second), strict=True)
    gaps = [(a.double() - b.double()).abs().max().item() for a, b in pairs if isinstance(a, Tensor) and a.numel()]
    return max(gaps, default=0.0)
