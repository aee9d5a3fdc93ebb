"""What looking costs: the hand-written loop watched and unwatched, side by side, as medians of alternating rounds.

python benchmarks/lenses.py [--rounds 5] [--only batteries sets per-sample light] [--workloads W1 W2] [--threads 2]
"""

import argparse
import dataclasses
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import torch

import hand_written
import shinso
from shinso.lens import Lens, light
from shinso.lens.catalogue import Battery
from shinso.lens.per_sample import PerSampleNorms
from shinso.lens.sets import business, economy, full_set
from workloads import Workload, workloads

Lenses = Callable[[], Sequence[Lens] | Battery]
STEPS = {"W1": 200, "W2": 40, "W3": 20, "W4": 20}
"""Of one round; a multiple of twenty, so that each round watches its twentieth steps as often."""

SECTIONS: dict[str, list[tuple[str, Lenses, int]]] = {
    "batteries": [
        ("light battery, as it comes", lambda: "light", 20),
        ("standard battery, as it comes", lambda: "standard", 20),
    ],
    "light": [("light, every step", light, 1), ("light, every 10th", light, 10)],
    "per-sample": [("norms and variance, every step", lambda: [PerSampleNorms()], 1)],
    "sets": [
        (f"{name}, {when}", lenses, every)
        for name, lenses in (("economy", economy), ("business", business), ("full", full_set))
        for when, every in (("every 10th step", 10), ("every step", 1))
    ],
}
"""By section: what looks, its lenses, and at how many steps."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--workloads", nargs="*", choices=STEPS, default=["W1", "W2", "W3"])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {arguments.rounds} rounds")
    watched = [row for section in arguments.only for row in SECTIONS[section]]
    for name in arguments.workloads:
        compare(dataclasses.replace(workloads()[name], steps=STEPS[name]), watched, arguments.rounds)


def compare(workload: Workload, watched: list[tuple[str, Lenses, int]], rounds: int) -> None:
    """Each side next to an unwatched run of its own, so that what else the machine does falls on both."""
    ratios: dict[str, list[float]] = {name: [] for name, _, _ in watched}
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in watched}
    for round_number in range(rounds + 1):
        for name, lenses, every in watched:
            alone = trained(workload, None)
            looking = trained(workload, watching(lenses, every))
            if round_number:  # the first round warms up
                ratios[name].append(looking / alone)
                seconds[name].append(looking)
    for name, values in ratios.items():
        median, low, high = statistics.median(values), min(values), max(values)
        each = statistics.median(seconds[name]) / workload.steps * 1e3
        print(f"{workload.name:12} {name:32} {each:9.2f} ms/step   ratio {median:5.2f}   ({low:.2f} to {high:.2f})")


def trained(workload: Workload, watch: Any) -> float:
    """Seconds of the same training each time."""
    torch.manual_seed(0)
    return hand_written.train(workload, workload.build(), watch)


def watching(lenses: Lenses, every: int) -> Callable[[torch.nn.Module, torch.optim.Optimizer], object]:
    return lambda model, optimizer: shinso.watch(
        model, optimizer, lenses(), every=every, loss=hand_written.loss_function
    )


if __name__ == "__main__":
    main()
