"""What the graph costs to make and to walk: tracing and costing ResNet-50 and a module of 1,000 operations, reverse
mode against ``loss.backward()``, counting against ``torch.utils.flop_counter``, in turn in one process.

python benchmarks/graph.py [--rounds 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.flop_counter import FlopCounterMode

from resnet50 import resnet50
from shinso.graph import trace
from shinso.models import mlp, resnet

PARAMETERS, MACS = 25_557_032, 4_089_184_256  # of the table of published architectures


def in_turn(rounds: int, **sides: Callable[[], Any]) -> dict[str, float]:
    """Median seconds of each side; the first round warms up."""
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(rounds + 1):
        for side, call in sides.items():
            started = time.perf_counter()
            call()
            if number:
                seconds[side].append(time.perf_counter() - started)
    return {side: statistics.median(values) for side, values in seconds.items()}


def trace_and_cost(rounds: int) -> None:
    started = time.perf_counter()
    module, image = resnet50(), torch.randn(1, 3, 224, 224)
    built = time.perf_counter()
    graph = trace(module, image)
    traced = time.perf_counter()
    cost = graph.cost()
    costed = time.perf_counter()
    print(f"ResNet-50 at 224×224, the first time: built in {built - started:.2f} s")
    print(f"  traced {traced - built:.2f} s, costed {costed - traced:.2f} s, sum {costed - built:.2f} s (limit 10 s)")
    again = in_turn(rounds, trace=lambda: trace(module, image), cost=graph.cost)
    print(f"  medians of {rounds} more: trace {again['trace']:.2f} s, cost {again['cost']:.2f} s")
    right = "equal to" if (cost.parameters, cost.macs) == (PARAMETERS, MACS) else "NOT"
    print(f"  {cost.parameters:,} parameters, {cost.macs:,} multiply-accumulates: {right} the published figures")


def thousand_operations(rounds: int) -> None:
    alike = nn.Sequential(*(part for _ in range(500) for part in (nn.Linear(64, 64), nn.ReLU())))
    different = nn.Sequential(*(part for n in range(500) for part in (nn.Linear(64 + n, 65 + n), nn.ReLU())))
    inputs = torch.randn(8, 64)
    for name, module in (("alike", alike), ("of 1,000 different shapes", different)):
        graph = trace(module, inputs)
        medians = in_turn(rounds, trace=lambda m=module: trace(m, inputs), cost=graph.cost)
        print(
            f"{len(graph.operations)} operations {name}: trace {medians['trace']:.2f} s, cost {medians['cost']:.2f} s"
        )


def reverse_walk(name: str, module: nn.Module, shape: tuple[int, ...], rounds: int) -> None:
    """The walk goes forward and back, so that it stands against forward and ``loss.backward()``."""
    inputs, targets = torch.randn(shape), torch.randint(10, (shape[0],))

    class WithLoss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(self.module(x), y)

    whole = WithLoss()
    graph = trace(whole, inputs, targets)

    def backward() -> None:
        whole.zero_grad(set_to_none=True)
        whole(inputs, targets).backward()

    medians = in_turn(rounds, torch=backward, shinso=graph.reverse_mode)
    ratio = medians["shinso"] / medians["torch"]
    print(
        f"{name}: forward and loss.backward() {1e3 * medians['torch']:.1f} ms, reverse_mode() "
        f"{1e3 * medians['shinso']:.1f} ms, ratio {ratio:.2f} (limit 5)"
    )


def counting(rounds: int) -> None:
    """Both see shapes only: the module is on the meta device."""
    with torch.device("meta"):
        module, image = resnet50(), torch.empty(1, 3, 224, 224)

    def by_torch() -> int:
        with FlopCounterMode(display=False) as counter:
            module(image).sum().backward()
        return int(counter.get_total_flops())

    def by_graph() -> int:
        cost = graph.cost()
        return 2 * (cost.macs + cost.matmul_macs + cost.backward_macs)

    graph = trace(module, image)
    medians = in_turn(rounds, torch=by_torch, cost=by_graph, both=lambda: trace(module, image).cost())
    same = "equal" if by_torch() == by_graph() else "NOT EQUAL"
    print(f"ResNet-50, forward and backward: {by_graph():,} operations by cost(), {by_torch():,} by torch: {same}")
    print(
        f"  FlopCounterMode {medians['torch']:.2f} s; cost() of a traced graph {medians['cost']:.2f} s, ratio "
        f"{medians['cost'] / medians['torch']:.2f}; trace() and cost() {medians['both']:.2f} s, ratio "
        f"{medians['both'] / medians['torch']:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, medians of {rounds} rounds")
    trace_and_cost(rounds)
    thousand_operations(rounds)
    reverse_walk("perceptron, batch 64", mlp(num_classes=10, in_features=784), (64, 784), 10 * rounds)
    reverse_walk("ResNet-20, batch 32 at 32×32", resnet(), (32, 3, 32, 32), rounds)
    reverse_walk("ResNet-50, batch 2 at 224×224", resnet50(), (2, 3, 224, 224), rounds)
    counting(rounds)


if __name__ == "__main__":
    main()
