"""A checkpoint is whole or absent, whatever happens while it is written."""

import os
import pickle
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import forked
from shinso import checkpoint

WRITES = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link"}


def weights(value: float) -> dict[str, Tensor]:
    return {"weight": torch.full((3, 2), value), "steps": torch.tensor(int(value))}


def save(directory: Path, step: int, value: float) -> checkpoint.Checkpoint:
    return checkpoint.save(directory, step, weights(value), weights(-value), {"value": value})


def value_of(directory: Path) -> float:
    """The one value that all files of the last checkpoint agree on."""
    found = checkpoint.latest(directory)
    assert found is not None
    value = found.state()["value"]
    assert torch.equal(found.weights()["weight"], weights(value)["weight"])
    assert torch.equal(found.best_weights()["weight"], weights(-value)["weight"])
    return float(value)


def test_directory_without_checkpoints_has_no_latest(tmp_path: Path) -> None:
    assert checkpoint.latest(tmp_path) is None
    assert checkpoint.latest(tmp_path / "absent") is None


@given(st.lists(st.integers(0, 3 * 10**8), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_latest_is_the_one_saved_last_when_steps_do_not_fall(steps: list[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for value, step in enumerate(sorted(steps), start=1):
            assert save(directory, step, value).step == step
            assert value_of(directory) == value
            assert len(list(directory.iterdir())) == 1


def test_best_state_is_shared_with_the_previous_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, 1, 1.0)
    second = checkpoint.save(tmp_path, 2, weights(2.0), None, {})
    assert torch.equal(second.best_weights()["weight"], weights(-1.0)["weight"])
    assert torch.equal(second.weights()["weight"], weights(2.0)["weight"])


def test_file_system_without_hard_links_keeps_the_best_state_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    save(tmp_path, 1, 1.0)
    second = checkpoint.save(tmp_path, 2, weights(2.0), None, {})
    assert torch.equal(second.best_weights()["weight"], weights(-1.0)["weight"])


def test_tied_and_strided_tensors_come_back_with_their_values(tmp_path: Path) -> None:
    table = nn.Embedding(4, 3)
    head = nn.Linear(3, 4, bias=False)
    head.weight = table.weight
    model = nn.ModuleDict({"table": table, "head": head}).to(torch.float32)
    strided = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    state: Mapping[str, Tensor] = {
        **model.state_dict(),
        "strided": strided,
        "transposed": torch.arange(6.0).view(2, 3).T,
    }
    loaded = checkpoint.save(tmp_path, 1, state, None, {}).weights()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def _save_and_die(directory: Path, step: int, fatal: int) -> None:
    """Saves, and dies without any cleaning up at the ``fatal``-th change to the directory."""
    count = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event in WRITES:
            count += 1
            if count == fatal:
                os._exit(9)

    sys.addaudithook(watch)
    save(directory, step, 2.0)


@pytest.mark.parametrize("step", [1, 2], ids=["the same step again", "a later step"])
def test_death_at_any_change_to_the_directory_leaves_a_whole_checkpoint(step: int, tmp_path: Path) -> None:
    deaths = 0
    for fatal in range(1, 100):
        directory = tmp_path / str(fatal)
        save(directory, 1, 1.0)
        process = forked.CONTEXT.Process(target=_save_and_die, args=(directory, step, fatal))
        process.start()
        process.join()
        assert value_of(directory) in (1.0, 2.0)
        if process.exitcode == 0:
            break
        deaths += 1
    assert process.exitcode == 0
    assert deaths > 10
    assert value_of(directory) == 2.0


def test_next_save_clears_what_a_death_left_behind(tmp_path: Path) -> None:
    save(tmp_path, 1, 1.0)
    (tmp_path / ".partial-00000002").mkdir()
    (tmp_path / ".partial-00000002" / "weights.safetensors").write_bytes(b"half")
    (tmp_path / "step-00000000").mkdir()  # its removal was cut short
    save(tmp_path, 2, 2.0)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000002"]


def test_failed_write_leaves_the_previous_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    save(tmp_path, 1, 1.0)
    with pytest.raises(TypeError):
        checkpoint.save(tmp_path, 2, weights(2.0), None, {"unpicklable": threading.Lock()})
    assert value_of(tmp_path) == 1.0
    assert len(list(tmp_path.iterdir())) == 1


class Malicious:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "save_pickle", [torch.save, lambda value, path: Path(path).write_bytes(pickle.dumps(value, 2))]
)
def test_state_with_code_in_it_is_refused_and_not_run(save_pickle: Any, tmp_path: Path) -> None:
    found = save(tmp_path / "checkpoints", 1, 1.0)
    save_pickle({"counters": Malicious(tmp_path / "owned")}, found.path / "state.pt")
    with pytest.raises(ValueError, match=r"state\.pt is not a state that shinso wrote"):
        found.state()
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_damaged_files_are_named(keep: int, tmp_path: Path) -> None:
    found = save(tmp_path, 1, 1.0)
    for name, read in (
        ("state.pt", found.state),
        ("weights.safetensors", found.weights),
        ("best.safetensors", found.best_weights),
    ):
        file = found.path / name
        file.write_bytes(file.read_bytes()[: min(keep, file.stat().st_size - 1)])
        with pytest.raises(ValueError, match=f"{name} is not .* damaged"):
            read()
