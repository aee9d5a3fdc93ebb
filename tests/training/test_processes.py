"""Several processes train what one would; what befalls one of them ends the run in order."""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from test_killed import assert_same_run
from test_stopped import last_step

import forked
import shinso
from shinso.training._processes import Processes, join

EVERY = shlex.split("train --lenses none --schedule cosine --seed 1")
MLP = shlex.split("--model mlp --model-options width 32 --epochs 4 --augment.mixup 0.4")
RESNET = shlex.split(
    "--model resnet --model-options depth 8 width 4 --epochs 2 --optimizer.learning-rate 0.01 --augment.crop 1"
)
LONG = shlex.split("--model mlp --model-options width 16 --epochs 100000 --checkpoint-seconds 0.05")
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "shinso"]


def losses(run: Path) -> np.ndarray:
    return shinso.load_run(run).readings("train/loss").values


def finished_group(arguments: list[str], directory: Path, count: int = 2) -> None:
    group = forked.start_group(arguments, directory, count)
    for command in group:
        assert command.status() == 0, "\n".join(each.said() for each in group)


@pytest.mark.parametrize("options", [MLP, RESNET], ids=["mlp", "resnet with batch norm"])
@pytest.mark.parametrize("shard", [[], ["--shard"]], ids=["replicated", "sharded"])
def test_two_processes_have_the_loss_curve_of_one(options: list[str], shard: list[str], tmp_path: Path) -> None:
    forked.finished([*EVERY, *options, "--to", str(tmp_path / "one")], tmp_path / "one.txt")
    finished_group([*EVERY, *options, *shard, "--to", str(tmp_path / "two")], tmp_path)
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    np.testing.assert_allclose(two[:9], one[:9], rtol=1e-4)
    np.testing.assert_allclose(two, one, rtol=5e-3)
    left, right = (shinso.load_run(tmp_path / name) for name in ("one", "two"))
    assert left.names() == right.names()
    for name in ("valid/loss", "test/loss"):
        np.testing.assert_allclose(right.readings(name).values, left.readings(name).values, rtol=2e-2, atol=2e-3)
    for name, value in left.weights().items():
        assert right.weights()[name].shape == value.shape


@pytest.mark.parametrize("before", [1, 2])
@pytest.mark.parametrize("shard", [[], ["--shard"]], ids=["replicated", "sharded"])
def test_run_goes_on_with_another_number_of_processes(before: int, shard: list[str], tmp_path: Path) -> None:
    if shard and before == 1:
        pytest.skip("one process has nothing to shard")
    options = shlex.split(
        "--model mlp --model-options width 32 --epochs 20 --checkpoint-seconds 0 --optimizer.learning-rate 0.01"
    )
    forked.finished([*EVERY, *options, "--to", str(tmp_path / "whole")], tmp_path / "whole.txt")
    run = tmp_path / "run"
    group = forked.start_group([*EVERY, *options, *shard, "--to", str(run)], tmp_path, before)
    group[0].wait_until(lambda: last_step(run) >= 60)
    for command in group:
        command.kill()
        command.process.join()
    assert not shinso.load_run(run).events("finish")
    finished_group(["train", "--resume", str(run)], tmp_path, 3 - before)
    assert shinso.load_run(run).events("resume")[-1].content["processes"] == 3 - before
    np.testing.assert_allclose(losses(run), losses(tmp_path / "whole"), rtol=5e-3)


def test_several_processes_killed_and_resumed_end_as_if_left_alone(tmp_path: Path) -> None:
    options = shlex.split("--model mlp --model-options width 32 --epochs 60 --checkpoint-seconds 0.05 --dropout 0.2")
    finished_group([*EVERY, *options, "--to", str(tmp_path / "whole")], tmp_path)
    run = tmp_path / "run"
    group = forked.start_group([*EVERY, *options, "--to", str(run)], tmp_path, 2)
    group[0].wait_until(lambda: last_step(run) >= 100)
    for command in group:
        command.kill()
        command.process.join()
    finished_group(["train", "--resume", str(run)], tmp_path)
    assert_same_run(tmp_path / "whole", run)


@pytest.mark.parametrize("victim", [0, 1])
def test_worker_that_dies_ends_the_others_with_a_word(victim: int, tmp_path: Path) -> None:
    run = tmp_path / "run"
    group = forked.start_group([*EVERY, *LONG, "--to", str(run)], tmp_path, 2)
    group[0].wait_until(lambda: last_step(run) > 0)
    group[victim].kill()
    survivor = group[1 - victim]
    assert survivor.status(30) == 1
    said = " ".join(survivor.said().split())
    assert "Traceback" not in said
    assert "another process of this training is gone" in said
    assert f"shinso train --resume {run}" in said
    assert len(losses(run)) >= last_step(run) > 0


def test_signal_to_one_process_stops_all(tmp_path: Path) -> None:
    run = tmp_path / "run"
    group = forked.start_group([*EVERY, *LONG, "--to", str(run)], tmp_path, 2)
    group[0].wait_until(lambda: last_step(run) > 0)
    group[1].kill(signal.SIGTERM)
    assert [command.status() for command in group] == [143, 143]
    assert f"stopped after step {last_step(run)}" in group[0].said()


@contextlib.contextmanager
def torchrun(arguments: list[str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command under torchrun; whatever is left of it ends with the context."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with output.open("wb") as file:
        command = subprocess.Popen(
            [*TORCHRUN, *arguments], stdout=file, stderr=file, env=environment, start_new_session=True
        )
    try:
        yield command
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, signal.SIGKILL)
        command.wait()


def workers_of(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if b"shinso" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the workers in /proc")
def test_torchrun_whose_worker_is_killed_or_that_gets_ctrl_c_leaves_a_run_to_resume(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with torchrun([*EVERY, *LONG, "--to", str(run)], tmp_path / "killed.txt") as command:
        wait_for_step(run, 1, command, tmp_path / "killed.txt")
        os.kill(workers_of(command.pid)[1], signal.SIGKILL)
        assert command.wait(60) != 0
    step = last_step(run)
    assert len(losses(run)) >= step > 0
    with torchrun(["train", "--resume", str(run)], tmp_path / "stopped.txt") as command:
        wait_for_step(run, step + 1, command, tmp_path / "stopped.txt")
        os.killpg(command.pid, signal.SIGINT)  # as a terminal does
        assert command.wait(60) != 0
    said = (tmp_path / "stopped.txt").read_text().replace("\n", "")
    assert f"stopped after step {last_step(run)}; continue with: " in said
    assert len(losses(run)) == last_step(run)


def wait_for_step(run: Path, step: int, command: subprocess.Popen[bytes], output: Path) -> None:
    end = time.monotonic() + 90
    while last_step(run) < step:
        assert command.poll() is None, output.read_text()
        assert time.monotonic() < end, output.read_text()
        time.sleep(0.05)


def test_shard_needs_several_processes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--shard divides a model over processes: start it with torchrun"):
        shinso.train(recipe=shinso.Recipe(model="mlp", shard=True), to=tmp_path / "run", progress=False)


def test_batch_that_cannot_be_divided_is_said_in_every_process(tmp_path: Path) -> None:
    group = forked.start_group([*EVERY, *MLP, "--batch-size", "31", "--to", str(tmp_path / "run")], tmp_path, 2)
    for command in group:
        assert command.status() == 1
        assert "batch_size 31 cannot be divided over 2 processes in 1 pieces" in command.said()
    assert not (tmp_path / "run").exists()


def test_one_process_agrees_with_itself() -> None:
    alone = Processes(0, 1, torch.device("cpu"))
    assert alone.is_first
    assert alone.agree([0.0, 2.5]) == [0.0, 2.5]
    share = torch.arange(3.0)
    assert torch.equal(alone.gather(share), share)
    assert torch.equal(alone.mean(share), share)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "device must be auto, cpu, cuda or cuda:N; got 'gpu'"),
        ("cuda:99", "there is no device cuda:99: torch sees"),
    ],
)
def test_device_that_is_not_there_is_said(device: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        join(device)
