"""The streaming path against the in-memory path: ResNet-20 on CIFAR-10's JPEG files, batch 128, float32, alternately.

python benchmarks/streaming.py PATH_OF_CIFAR10_PARQUET [--rounds 7] [--steps 20]
"""

import argparse
import dataclasses
import statistics
import tempfile
from pathlib import Path

import torch

import shinso
from shinso.data import DataSet, load
from shinso.recipe import Recipe, Split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    sides = {
        name: shortened(load(f"parquet:{arguments.path}", memory_limit=limit), arguments.steps * 128)
        for name, limit in (("in memory", 2**40), ("memory-mapped JPEG", 0))
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(arguments.rounds + 1):
        for name, data in sides.items():
            taken = trained(data)
            if number:
                seconds[name].append(taken)
    base = statistics.median(seconds["in memory"])
    for name, values in seconds.items():
        median = statistics.median(values)
        paired = statistics.median(a / b for a, b in zip(values, seconds["in memory"], strict=True))
        print(
            f"{name:20} {median / arguments.steps * 1e3:8.2f} ms/step   "
            f"ratio of medians {median / base:5.3f}   median of ratios {paired:5.3f}"
        )


class Head:
    """The first examples of a split."""

    def __init__(self, split: shinso.data.Split, count: int) -> None:
        self._split, self._count = split, count

    @property
    def targets(self) -> torch.Tensor:
        return self._split.targets[: self._count]

    def __len__(self) -> int:
        return self._count

    def fetch(self, index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self._split.fetch(index)

    def to(self, device: torch.device | str) -> "Head":
        return Head(self._split.to(device), self._count)


def shortened(data: DataSet, examples: int) -> DataSet:
    """A set with so many training examples, and no others."""
    return dataclasses.replace(
        data, train=Head(data.train, examples), valid=Head(data.valid, 0), test=Head(data.test, 0)
    )


def trained(data: DataSet) -> float:
    """Seconds that one epoch takes, with the default augmentation."""
    recipe = Recipe(epochs=1, batch_size=128, lenses="none", split=Split(valid=0))
    with tempfile.TemporaryDirectory() as directory:
        run = shinso.train("resnet", data, recipe, to=Path(directory) / "run", progress=False)
        return float(run.summary["seconds"])


if __name__ == "__main__":
    main()
