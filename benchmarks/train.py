"""Training speed: shinso against the best hand-written loop, side by side, as medians of alternating rounds.

python benchmarks/train.py [--rounds 9] [--only W1 W3] [--clip-norm 5]

Without --clip-norm neither side limits the gradient; with it both do, as the default recipe does.
"""

import argparse
import math
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

import hand_written
import shinso
from shinso.data import DataSet, InMemory
from shinso.recipe import SGD, Augment, Constant, Recipe
from shinso.training import Classification
from workloads import Workload, workloads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=["W1", "W2", "W3", "W4"])
    parser.add_argument("--clip-norm", type=float, default=math.inf)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {arguments.rounds} rounds")
    for name in arguments.only:
        compare(workloads()[name], arguments.rounds, arguments.clip_norm)


def compare(workload: Workload, rounds: int, clip_norm: float) -> None:
    sides: dict[str, Callable[[], float]] = {
        "hand-written": lambda: hand_written.train(workload, workload.build(), clip_norm=clip_norm),
        "shinso, no lenses": lambda: trained(workload, "none", clip_norm),
        "shinso, light lenses": lambda: trained(workload, "light", clip_norm),
        "hand-written + watch": lambda: hand_written.train(workload, workload.build(), shinso_watch, clip_norm),
    }
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for round_number in range(rounds + 1):
        for side, run in sides.items():
            torch.manual_seed(0)
            taken = run()
            if round_number:  # the first round warms up
                seconds[side].append(taken)
    report(workload, seconds)


def report(workload: Workload, seconds: dict[str, list[float]]) -> None:
    base = statistics.median(seconds["hand-written"])
    for side, values in seconds.items():
        median = statistics.median(values)
        paired = statistics.median(a / b for a, b in zip(values, seconds["hand-written"], strict=True))
        print(
            f"{workload.name:12} {side:22} {median / workload.steps * 1e3:9.3f} ms/step   "
            f"ratio of medians {median / base:5.3f}   median of ratios {paired:5.3f}",
            flush=True,
        )


def trained(workload: Workload, lenses: str, clip_norm: float = math.inf) -> float:
    """Seconds of training by ``shinso.train``, recording, checkpoints and progress on."""
    nothing = InMemory(workload.inputs[:0], workload.targets[:0])
    shape = tuple(workload.inputs.shape[1:])
    broadcast = (shape[0], *[1] * (len(shape) - 1)) if len(shape) == 3 else shape
    data = DataSet(
        train=InMemory(workload.inputs, workload.targets),
        valid=nothing,
        test=nothing,
        classes=tuple(str(number) for number in range(workload.classes)),
        input_shape=shape,
        mean=torch.zeros(broadcast),
        std=torch.ones(broadcast),
        target_mean=None,
        target_std=None,
        left_out=(),
        source="random",
    )
    recipe = Recipe(
        epochs=max(1, workload.steps * workload.batch_size // len(workload.inputs)),
        batch_size=workload.batch_size,
        optimizer=SGD(learning_rate=1e-3),
        schedule=Constant(),
        augment=Augment(crop=0, flip=False, warp=0, mixup=0),
        clip_norm=clip_norm,
        lenses=lenses,
    )
    with tempfile.TemporaryDirectory() as directory:
        task = Classification(data.classes or (), class_axis=-1)
        run = shinso.train(workload.build(), data, recipe, task=task, to=Path(directory) / "run")
        return run.summary["seconds"]


def shinso_watch(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> object:
    return shinso.watch(model, optimizer, to=Path(tempfile.mkdtemp()) / "run", every=20)


if __name__ == "__main__":
    main()
