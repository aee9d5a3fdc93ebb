"""Test accuracy of the default recipe on scikit-learn's digits, 20 % held out: five seeds, on one split and on five.

python benchmarks/accuracy.py
"""

import statistics
import tempfile
import time
from pathlib import Path

import torch

import shinso
from shinso.recipe import Recipe, Split


def main() -> None:
    torch.set_num_threads(2)
    for name, splits in (("one split, five seeds", [0] * 5), ("five splits, five seeds", list(range(5)))):
        outcomes = [trained(Recipe(seed=seed, split=Split(seed=split))) for seed, split in enumerate(splits)]
        accuracies, seconds = zip(*outcomes, strict=True)
        shown = " ".join(f"{accuracy:.4f}" for accuracy in accuracies)
        print(f"{name}: mean {statistics.mean(accuracies):.4f} ({shown}), median {statistics.median(seconds):.1f} s")


def trained(recipe: Recipe) -> tuple[float, float]:
    """Test accuracy, and the seconds that all of it took: data, training with lenses, test, report."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as directory:
        run = shinso.train(recipe=recipe, to=Path(directory) / "run", progress=False)
        return run.summary["test/accuracy"], time.perf_counter() - started


if __name__ == "__main__":
    main()
