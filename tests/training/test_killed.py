"""A training that is killed at any moment ends, once resumed, exactly as one that was left alone."""

import itertools
import random
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import forked
import shinso
from shinso import checkpoint

SMALL = shlex.split("--model mlp --model-options width 16 --epochs 50 --seed 3 --checkpoint-seconds 0.02")
KINDS = {
    "mixup, dropout": shlex.split("--augment.mixup 0.3 --dropout 0.2 --lenses none"),
    "early stopping, Adam": shlex.split("--optimizer adamw --patience 30 --lenses none --lens-every 3"),
    "lenses": shlex.split("--lenses light --lens-every 5"),
}


def assert_same_run(left: Path, right: Path) -> None:
    """Readings, weights, best weights, optimizer and random state are the same to the last bit."""
    a, b = shinso.load_run(left), shinso.load_run(right)
    assert a.names() == b.names()
    for name in a.names():
        x, y = a.readings(name), b.readings(name)
        np.testing.assert_array_equal(x.steps, y.steps, name)
        np.testing.assert_array_equal(x.values, y.values, name)
    assert_same_checkpoint(a, b)


def assert_same_checkpoint(a: shinso.Run, b: shinso.Run) -> None:
    """The last checkpoints are the same to the last bit."""
    left, right = checkpoint.latest(a.checkpoints), checkpoint.latest(b.checkpoints)
    assert left is not None
    assert right is not None
    assert left.step == right.step
    for mine, other in ((left.weights(), right.weights()), (left.best_weights(), right.best_weights())):
        assert mine.keys() == other.keys()
        assert all(torch.equal(mine[name], other[name]) for name in mine)
    for key in ("optimizer", "random"):
        assert_same_values(left.state()[key], right.state()[key])


def assert_same_values(a: Any, b: Any) -> None:
    """The same nested values, tensors to the last bit."""
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same_values(a[key], b[key])
    elif isinstance(a, list | tuple):
        for x, y in zip(a, b, strict=True):
            assert_same_values(x, y)
    else:
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("kind", KINDS)
def test_run_killed_many_times_is_identical_to_one_left_alone(kind: str, tmp_path: Path) -> None:
    arguments = [*SMALL, *KINDS[kind]]
    forked.finished(["train", *arguments, "--to", str(tmp_path / "whole")], tmp_path / "whole.txt")
    killed = tmp_path / "killed"
    kills = 0
    for attempt in itertools.count():
        going_on = (killed / "recipe.toml").is_file()
        flags = ["--resume", str(killed)] if going_on else [*arguments, "--to", str(killed)]
        command = forked.start(["train", *flags], tmp_path / f"{attempt}.txt")
        command.process.join(0.15 + 0.8 * random.random() if kills < 12 else 60)
        if command.process.exitcode is not None:
            break
        command.kill()
        command.process.join()
        kills += 1
    assert command.process.exitcode == 0, command.said()
    assert kills >= 3
    assert_same_run(tmp_path / "whole", killed)
