"""What stops a training (a signal, a full disk, a loss that is not finite) loses nothing and says the way on."""

import os
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from test_killed import assert_same_run

import forked
import shinso
from shinso import checkpoint
from shinso.record import Record
from shinso.run import RunError

SMALL = shlex.split(
    "train --model mlp --model-options width 16 --lenses none --epochs 120 --checkpoint-seconds 0.1 --dropout 0.1"
)


def steps_done(run: Path) -> int:
    """How far the record of a running training has come."""
    if not (run / "run.db").is_file():
        return 0
    record = Record.open_read_only(run / "run.db")
    try:
        return int(record.readings("train/loss").steps[-1]) if "train/loss" in record.names() else 0
    except Exception:  # the file is there before its tables
        return 0
    finally:
        record.close()


def last_step(run: Path) -> int:
    """The step of the last checkpoint."""
    found = checkpoint.latest(run / "checkpoints")
    return 0 if found is None else found.step


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was left alone."""
    path = tmp_path_factory.mktemp("whole")
    forked.finished([*SMALL, "--to", str(path / "run")], path / "output.txt")
    return path / "run"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_after_the_step_with_a_checkpoint(number: signal.Signals, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = forked.start([*SMALL, "--to", str(run)], tmp_path / "stopped.txt")
    command.wait_until(lambda: last_step(run) > 0)
    command.kill(number)
    assert command.status() == 128 + number
    step = last_step(run)
    assert f"stopped after step {step}; continue with: shinso train --resume {run}" in command.said().replace("\n", "")
    stopped = shinso.load_run(run)
    assert stopped.readings("train/loss").steps.tolist() == list(range(1, step + 1))
    assert stopped.events("stop")[0].content["how_to_go_on"] == f"shinso train --resume {run}"
    assert (run / "report.html").is_file()
    forked.finished(["train", "--resume", str(run)], tmp_path / "resumed.txt")
    assert_same_run(whole, run)


def test_second_signal_at_once_is_the_same_request(tmp_path: Path) -> None:
    """torchrun passes on the Ctrl-C that the terminal has sent to every process already."""
    run = tmp_path / "run"
    command = forked.start([*SMALL, "--to", str(run)], tmp_path / "stopped.txt")
    command.wait_until(lambda: last_step(run) > 0)
    command.kill(signal.SIGINT)
    command.kill(signal.SIGTERM)
    assert command.status() in (130, 143)
    assert "stopped after step" in command.said()


@pytest.mark.parametrize("kibibytes", [30, 60, 100, 200, 400])
def test_full_disk_is_said_and_loses_nothing(kibibytes: int, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = [*SMALL, "--to", str(run), "--model-options", "width", "64"]
    command = forked.start(arguments, tmp_path / "full.txt", largest_file=kibibytes * 1024)
    assert command.status() == 1, command.said()
    assert "Traceback" not in command.said()
    said = " ".join(command.said().split())
    assert f"cannot write to {run}" in said
    assert f"shinso train --resume {run}" in said
    found = checkpoint.latest(run / "checkpoints")
    kept = 0
    if found is not None:
        kept = found.state()["counters"]["step"]
        assert found.weights().keys() == found.best_weights().keys()
    if kept:
        assert shinso.load_run(run).readings("train/loss").steps.tolist()[:kept] == list(range(1, kept + 1))
    forked.finished(["train", "--resume", str(run)], tmp_path / "resumed.txt")
    assert shinso.load_run(run).events("finish")


def test_full_disk_from_the_first_byte_is_said(tmp_path: Path) -> None:
    command = forked.start([*SMALL, "--to", str(tmp_path / "run")], tmp_path / "full.txt", largest_file=0)
    # Not even what it says can be written to a file here.
    assert command.status() == 1


def test_diverging_training_is_stopped_with_all_it_had(tmp_path: Path) -> None:
    recipe = shinso.Recipe(
        model="mlp", epochs=30, lenses="none", checkpoint_seconds=0.0, optimizer=shinso.recipe.SGD(learning_rate=1e12)
    )
    with pytest.raises(
        shinso.training.TrainingDiverged, match=r"(?s)no longer finite|the loss became (nan|inf) at step \d+"
    ) as caught:
        shinso.train(recipe=recipe, to=tmp_path / "run", progress=False)
    for advice in ("--optimizer.learning-rate", "--clip-norm 1", "--schedule.warmup", str(tmp_path / "run")):
        assert advice in str(caught.value)
    run = shinso.load_run(tmp_path / "run")
    assert len(run.readings("train/loss").steps) > 0
    assert run.events("failure")[0].content["message"] == str(caught.value)
    assert (run.path / "report.html").is_file()


class FailsLater(torch.nn.Module):
    """A linear network whose outputs are NaN from a given step on."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)
        self.step, self.calls = step, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += self.training
        outputs: torch.Tensor = self.linear(x)
        return outputs * float("nan") if self.calls >= self.step and self.training else outputs


@pytest.mark.parametrize("step", [1, 7, 40])
def test_loss_that_becomes_nan_is_named_and_the_checkpoint_stays_finite(step: int, tmp_path: Path) -> None:
    data = (torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 2)
    recipe = shinso.Recipe(epochs=10, batch_size=8, lenses="none", checkpoint_seconds=0.0)
    kept = "no checkpoint yet" if step == 1 else f"the checkpoint of step {step - 1}"
    with pytest.raises(shinso.training.TrainingDiverged, match=f"the loss became nan at step {step}.*{kept}"):
        shinso.train(FailsLater(step), data, recipe, to=tmp_path / "run", progress=False)
    run = shinso.load_run(tmp_path / "run")
    losses = run.readings("train/loss")
    assert losses.steps[-1] == step
    assert np.isnan(losses.values[-1])
    assert np.isfinite(losses.values[:-1]).all()
    if step > 1:
        assert all(value.isfinite().all() for value in run.weights().values())
        assert last_step(run.path) == step - 1


def test_second_process_on_the_same_directory_is_turned_away(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = forked.start([*SMALL, "--epochs", "100000", "--to", str(run)], tmp_path / "first.txt")
    command.wait_until(lambda: last_step(run) > 0)
    with pytest.raises(
        RunError, match=f"another process is writing to {run}: wait for it, stop it, or use another directory"
    ):
        shinso.resume(run, progress=False)
    with pytest.raises(RunError, match=f"{run} is not empty: choose another directory, or continue .* --resume {run}"):
        shinso.train(recipe=shinso.Recipe(model="mlp"), to=run, progress=False)
    before = steps_done(run)
    command.wait_until(lambda: steps_done(run) > before)
    command.kill(signal.SIGTERM)
    assert command.status() == 143


def test_run_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = forked.start(
        [*SMALL, "--epochs", "100000", "--checkpoint-seconds", "0.01", "--to", str(run)], tmp_path / "said.txt"
    )
    command.wait_until(lambda: last_step(run) > 0)
    reader, seen = shinso.load_run(run), []
    for _ in range(150):
        assert all(value.isfinite().all() for value in reader.weights().values())
        losses = reader.readings("train/loss")
        assert losses.steps.tolist() == list(range(1, len(losses.steps) + 1))
        seen.append(len(losses.steps))
        assert isinstance(reader.model(), torch.nn.Module)
        assert "train/loss" in reader.summary
    assert seen[-1] > seen[0]
    assert command.process.is_alive()
    command.kill(signal.SIGTERM)
    assert command.status() == 143


def test_finished_run_is_returned_unchanged(whole: Path) -> None:
    files = {
        path: path.read_bytes()
        for path in whole.rglob("*")
        if path.name not in ("report.html", "run.lock", "run.db-shm") and path.is_file()
    }
    before = shinso.load_run(whole).summary
    assert shinso.resume(whole, progress=False).summary == before
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.parametrize("rank", ["0", "1"])
def test_finished_run_is_returned_to_every_process(rank: str, whole: Path, tmp_path: Path) -> None:
    place = {"RANK": rank, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9"}
    command = forked.start(["train", "--resume", str(whole)], tmp_path / "said.txt", **place)
    assert command.status(20) == 0, command.said()


def test_killed_before_the_recipe_can_be_started_again(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.lock").touch()
    (run / ".recipe.toml.partial").write_text("epo")
    recipe = shinso.Recipe(model="mlp", epochs=1, lenses="none")
    assert shinso.train(recipe=recipe, to=run, progress=False).events("finish")


def test_killed_before_the_record_can_be_resumed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.lock").touch()
    (run / "recipe.toml").write_text(shinso.Recipe(model="mlp", epochs=1, lenses="none").to_toml())
    assert shinso.resume(run, progress=False).events("finish")


def test_directory_without_a_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a training run: it has no recipe\.toml; give the directory"):
        shinso.resume(tmp_path)
    with pytest.raises(RunError, match=r"is not a run: it has no run\.db"):
        shinso.load_run(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_directory_that_cannot_be_made_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recipe = shinso.Recipe(model="mlp", epochs=1)
    for path in (tmp_path / "file", tmp_path / "file" / "run", Path("/proc/run")):
        with pytest.raises(RunError, match=f"cannot make the run directory {path}: "):
            shinso.train(recipe=recipe, to=path, progress=False)


def test_directory_of_somebody_else_is_said(tmp_path: Path) -> None:
    if os.getuid():
        run = tmp_path / "run"
        run.mkdir(mode=0o555)
        with pytest.raises(RunError, match=f"cannot write to {run}: "):
            shinso.train(recipe=shinso.Recipe(model="mlp", epochs=1), to=run, progress=False)
    else:  # nothing is forbidden to root
        run = Path("/sys")
        with pytest.raises(RunError, match=r"/sys is not empty"):
            shinso.train(recipe=shinso.Recipe(model="mlp", epochs=1), to=run, progress=False)
